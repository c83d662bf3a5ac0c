"""Plans that outlive the process that made them: reviewed here or in a pull request, applied later, perhaps elsewhere.

    content.py    what a plan depends on, part by part, and the one hash of it
    identity.py   whose accounts, region and cluster it is for
    document.py   an environment's plan as JSON, there and back
    keys.py       for whom an artefact is encrypted, and what opens it
    package.py    everything of a plan in one encrypted file, with a small manifest in clear
    store.py      a folder, a folder of them, a bucket: written whole or not at all, found by content hash
    holds.py      whether what was approved still holds, and what has moved where not

An artefact serves once. Nothing here runs Terraform; plan files are put back by `Deployment.install`.
"""
