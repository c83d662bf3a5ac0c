"""A real PostgreSQL on the laptop, for change data capture: loopback only, logical decoding on, a login for Debezium.

PostgreSQL does not run as root. Where everything else does, as in a container, its files belong to an unprivileged user
and lie outside of the project, which that user cannot enter; `wipe` takes them away. Which programs there are is
`postgres_programs.py`'s knowledge. What is captured from it is declared by the environment.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modules.errors import LocalError
from modules.local.credentials import write_private
from modules.local.endpoints import secret_file
from modules.local.ports import HOST
from modules.local.postgres_programs import Programs, reachable
from modules.local.supervisor import FAST_STOP, Service
from modules.project import Project

__all__ = ["CAPTURE_USER", "DATABASE", "NAME", "password_file", "postgres_check", "postgres_service", "prepare", "wipe"]

NAME = "postgres"
DATABASE = "postgres"
ADMIN_USER = "postgres"
CAPTURE_USER = "debezium"
"""Who captures: may replicate, and owns what is captured; not a superuser."""
_PROTOCOL = 196608
_LOGIN_ASKED, _REFUSED = b"R", b"E"
_SETUP_SECONDS = 120


@dataclass(frozen=True)
class Home:
    """Where the server's files are, and whose; `user` is None for the user this runs as."""

    folder: Path
    user: str | None

    @property
    def data(self) -> Path:
        return self.folder / "data"


def password_file(project: Project, user: str = CAPTURE_USER) -> Path:
    """A user's password (0600)."""
    return secret_file(project, "postgres.password" if user == CAPTURE_USER else f"postgres-{user}.password")


def home_of(project: Project) -> Home:
    """Below the platform's folder; for root, in a folder of an unprivileged user."""
    if os.geteuid() != 0:
        return Home(project.local / "data" / "postgres", None)
    digest = hashlib.sha256(str(project.local).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"infra-postgres-{digest}"  # noqa: S108  (a folder of this name is not trusted unseen)
    return Home(folder, _owner_of(folder) or _unprivileged())


def prepare(project: Project, programs: Programs) -> Home:
    """The data folder, made if it is new: a superuser and the capturing user, each with a password in its file.

    Raises:
        LocalError: it cannot be made.
    """
    for user in (ADMIN_USER, CAPTURE_USER):
        if not password_file(project, user).exists():
            write_private(password_file(project, user), secrets.token_urlsafe(24))
    home = home_of(project)
    if (home.data / "PG_VERSION").exists():
        return home
    _make_folder(home)
    fresh = home.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    program = reachable(programs, home.folder, home.user)
    passwords = {user: password_file(project, user).read_text().strip() for user in (ADMIN_USER, CAPTURE_USER)}
    _initdb(program, home, fresh, passwords[ADMIN_USER])
    _run(
        home, [str(program.folder / "postgres"), "--single", "-D", str(fresh), DATABASE],
        _setup(passwords[CAPTURE_USER]), tuple(passwords.values()),
    )  # fmt: skip
    fresh.replace(home.data)
    return home


def postgres_service(project: Project, programs: Programs, port: int) -> Service:
    """The service, its data folder prepared."""
    home = prepare(project, programs)
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "wal_level": "logical",
        "max_wal_senders": 8,
        "max_replication_slots": 8,
        # A slot that nobody reads keeps the log for ever otherwise, until the disk is full.
        "max_slot_wal_keep_size": "2GB",
        "shared_buffers": "32MB",
        "password_encryption": "scram-sha-256",
    }
    program = reachable(programs, home.folder, home.user)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Service(
        name=NAME,
        command=(str(program.folder / "postgres"), "-D", str(home.data), *options),
        healthy=postgres_check(port),
        ports=(port,),
        cwd=home.folder,
        user=home.user,
        stop_signal=FAST_STOP,
        start_seconds=60,
    )


def postgres_check(port: int) -> Callable[[], bool]:
    """A check that begins to log in: while the server starts, it listens but refuses."""

    def check() -> bool:
        words = b"".join(f"{word}\0".encode() for word in ("user", CAPTURE_USER, "database", DATABASE)) + b"\0"
        try:
            with socket.create_connection((HOST, port), timeout=2) as connection:
                connection.sendall(struct.pack("!II", 8 + len(words), _PROTOCOL) + words)
                return connection.recv(1) == _LOGIN_ASKED
        except OSError:
            return False

    return check


def wipe(project: Project) -> None:
    """Take away the files that are outside of the project."""
    home = home_of(project)
    if home.user is not None and home.folder.exists():
        shutil.rmtree(home.folder)


def _setup(password: str) -> str:
    """One statement a line, as the single-user mode reads them."""
    return (
        f"CREATE ROLE {CAPTURE_USER} LOGIN REPLICATION PASSWORD '{password}';\n"
        f"GRANT CREATE ON DATABASE {DATABASE} TO {CAPTURE_USER};\n"
        f"GRANT ALL ON SCHEMA public TO {CAPTURE_USER};\n"
    )


def _initdb(program: Programs, home: Home, data: Path, password: str) -> None:
    # By a file, as arguments are readable by every user of the machine.
    word = home.folder / "password"
    write_private(word, password)
    if home.user is not None:
        shutil.chown(word, home.user)
    try:
        _run(
            home,
            [
                str(program.folder / "initdb"), "-D", str(data), "-U", ADMIN_USER, "--encoding=UTF8", "--locale=C",
                "--auth=scram-sha-256", f"--pwfile={word}", "--no-instructions",
            ],
            "", (password,),
        )  # fmt: skip
    finally:
        word.unlink(missing_ok=True)


def _run(home: Home, command: list[str], text: str, secret: tuple[str, ...]) -> None:
    name = Path(command[0]).name
    try:
        ran = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=_SETUP_SECONDS,
            check=False,
            cwd=home.folder,
            user=home.user,
            extra_groups=[] if home.user is not None else None,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"PostgreSQL's {name} does not run ({type(error).__name__})", where=command[0]) from None
    said = ran.stdout + ran.stderr
    # The single-user mode goes on after an error and ends well.
    if ran.returncode or "ERROR:" in said or "FATAL:" in said:
        for word in secret:
            said = said.replace(word, "***")
        raise LocalError(
            "PostgreSQL's data folder cannot be made",
            where=str(home.folder),
            details=[line for line in said.splitlines() if line.strip()][-6:],
            do="free some space, or run `infra local reset` and try again",
        )


def _make_folder(home: Home) -> None:
    if home.user is None:
        home.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    try:
        home.folder.mkdir(mode=0o700)
        shutil.chown(home.folder, home.user)
    except FileExistsError:
        if home.folder.is_symlink() or _owner_of(home.folder) != home.user:
            raise LocalError(
                "PostgreSQL's folder belongs to someone else", where=str(home.folder), do="take it away"
            ) from None


def _owner_of(folder: Path) -> str | None:
    """Whose an earlier run made it; root's own folder is none that PostgreSQL could use."""
    try:
        owner = folder.owner()
    except (OSError, KeyError):
        return None
    return owner if owner != "root" and not folder.is_symlink() else None


def _unprivileged() -> str:
    import pwd

    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise LocalError(
        "PostgreSQL does not run as root, and there is no user `nobody` here", do="run `infra` as an ordinary user"
    )
