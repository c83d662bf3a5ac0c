"""The RPCs of Terraform's plugin protocol 6, answered for any `Provider`.

RPCs that are not here (identity, functions, ephemeral resources, lists, state moves) answer UNIMPLEMENTED, which
Terraform takes as "this provider has none"; the schema offers none either.
"""

from __future__ import annotations

import functools
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from modules.errors import InfraError
from modules.local.plugins.protocol import plan as planning
from modules.local.plugins.protocol.messages import diagnostics_message, dynamic_value, path_message, schema_message
from modules.local.plugins.protocol.resource import DataSource, Diagnostic, PluginError, Provider, Resource, State
from modules.local.plugins.protocol.schema import Block
from modules.local.plugins.protocol.values import Value, decode, from_json, has_unknown

__all__ = ["ProviderServicer"]

Answer = TypeVar("Answer")


def _answering(response: Any) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Turn what an RPC raises into an error diagnostic of its response type."""

    def wrap(method: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(method)
        def answer(self: ProviderServicer, request: Any, context: Any) -> Any:
            try:
                return method(self, request, context)
            except Exception as error:
                return response(diagnostics=diagnostics_message([self.diagnose(error)]))

        return answer

    return wrap


class ProviderServicer(rpc.ProviderServicer):  # type: ignore[misc]
    """Answers Terraform on behalf of one provider."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._schemas = provider.schema.resources
        self._data_schemas = provider.schema.data_sources

    # Schema and configuration

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return pb.GetProviderSchema.Response(
            provider=schema_message(self.provider.schema.provider),
            resource_schemas={name: schema_message(block) for name, block in self._schemas.items()},
            data_source_schemas={name: schema_message(self._data_schemas[name]) for name in self.provider.data_sources},
            server_capabilities=_capabilities(),
        )

    def GetMetadata(self, request: Any, context: Any) -> Any:
        return pb.GetMetadata.Response(
            resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in self._schemas],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name=name) for name in self.provider.data_sources],
            server_capabilities=_capabilities(),
        )

    @_answering(pb.ValidateProviderConfig.Response)
    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        found = self.provider.validate_config(self._provider_config(request))
        return pb.ValidateProviderConfig.Response(diagnostics=diagnostics_message(found))

    @_answering(pb.ConfigureProvider.Response)
    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        found = self.provider.configure(self._provider_config(request))
        return pb.ConfigureProvider.Response(diagnostics=diagnostics_message(found))

    @_answering(pb.ValidateResourceConfig.Response)
    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        resource, block = self._find(request.type_name)
        found = resource.validate(_body(block, request.config) or {})
        return pb.ValidateResourceConfig.Response(diagnostics=diagnostics_message(found))

    # State

    @_answering(pb.UpgradeResourceState.Response)
    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        _, block = self._find(request.type_name)
        # Terraform itself refuses a state of a newer version than the schema's.
        state = planning.complete(block, from_json(block.wire_type, json.loads(request.raw_state.json or b"null")))
        return pb.UpgradeResourceState.Response(upgraded_state=dynamic_value(block.wire_type, state))

    @_answering(pb.ReadResource.Response)
    def ReadResource(self, request: Any, context: Any) -> Any:
        resource, block = self._find(request.type_name)
        current = _body(block, request.current_state)
        seen = resource.read(current) if current is not None else None
        # What a read does not mention has not changed: write-only and unobservable arguments stay as they are.
        state = None if seen is None else planning.complete(block, {**(current or {}), **seen})
        return pb.ReadResource.Response(new_state=dynamic_value(block.wire_type, state), private=request.private)

    @_answering(pb.ImportResourceState.Response)
    def ImportResourceState(self, request: Any, context: Any) -> Any:
        resource, block = self._find(request.type_name)
        state = planning.complete(block, resource.import_(request.id))
        imported = pb.ImportResourceState.ImportedResource(
            type_name=request.type_name, state=dynamic_value(block.wire_type, state)
        )
        return pb.ImportResourceState.Response(imported_resources=[imported])

    # Data sources

    @_answering(pb.ValidateDataResourceConfig.Response)
    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        source, block = self._find_data(request.type_name)
        found = source.validate(_body(block, request.config) or {})
        return pb.ValidateDataResourceConfig.Response(diagnostics=diagnostics_message(found))

    @_answering(pb.ReadDataSource.Response)
    def ReadDataSource(self, request: Any, context: Any) -> Any:
        source, block = self._find_data(request.type_name)
        config = _body(block, request.config) or {}
        state = planning.complete(block, {**config, **source.read(config)})
        return pb.ReadDataSource.Response(state=dynamic_value(block.wire_type, state))

    # Changes

    @_answering(pb.PlanResourceChange.Response)
    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        resource, block = self._find(request.type_name)
        kind = block.wire_type
        prior, proposed = _body(block, request.prior_state), _body(block, request.proposed_new_state)
        if proposed is None:
            return pb.PlanResourceChange.Response(
                planned_state=dynamic_value(kind, None), planned_private=request.prior_private
            )
        config = _body(block, request.config) or {}
        planned = planning.drop_write_only(block, planning.mark_computed(block, proposed, prior))
        changed = frozenset[str]()
        if prior is not None:
            changed = planning.changed_attributes(block, prior, planned)
            planned = planning.mark_recomputed(planned, changed, resource.recomputed)
        refined = resource.plan(prior, planned, config, changed)
        return pb.PlanResourceChange.Response(
            planned_state=dynamic_value(kind, refined.planned),
            requires_replace=[
                path_message(path)
                for path in (*((name,) for name in sorted(refined.requires_replace)), *refined.replace_paths)
            ],
            planned_private=request.prior_private,
            diagnostics=diagnostics_message(refined.diagnostics),
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        block: Block | None = None
        prior: State | None = None
        planned: State | None = None
        try:
            resource, block = self._find(request.type_name)
            prior, planned = _body(block, request.prior_state), _body(block, request.planned_state)
            given = planned
            if planned is not None and resource.wants_write_only:
                given = planning.with_write_only(block, planned, _body(block, request.config) or {})
            state, failure = self._apply(resource, prior, planned, given), None
        except Exception as error:
            # After a failure Terraform keeps what the implementation says exists, else what was there before.
            state, failure = _leftover(error, prior, planned), self.diagnose(error)
        if block is None:
            return pb.ApplyResourceChange.Response(diagnostics=diagnostics_message([failure] if failure else []))
        return pb.ApplyResourceChange.Response(
            new_state=dynamic_value(block.wire_type, state),
            private=request.planned_private,
            diagnostics=diagnostics_message([failure] if failure else []),
        )

    def StopProvider(self, request: Any, context: Any) -> Any:
        # Asked to hurry, not to drop work: calls under way end normally, so that their results reach the state.
        return pb.StopProvider.Response()

    # Helpers

    def diagnose(self, error: Exception) -> Diagnostic:
        """What a user sees of an exception."""
        if isinstance(error, PluginError):
            return error.diagnostic
        if isinstance(error, InfraError):
            lines = [*error.details, error.do]
            return Diagnostic(
                f"{error.where}: {error.what}" if error.where else error.what, "\n".join(line for line in lines if line)
            )
        traceback.print_exception(error, file=sys.stderr)  # Terraform keeps a plugin's stderr for TF_LOG only.
        return Diagnostic(
            f"the {self.provider.title} failed unexpectedly: {type(error).__name__}: {error}",
            "This is a defect of the plugin. TF_LOG=debug shows where it happened.",
        )

    def _apply(
        self, resource: Resource, prior: State | None, planned: State | None, given: State | None
    ) -> State | None:
        """`given` is what is planned, with what may be in no state where the resource wants it."""
        if planned is None or given is None:
            if prior is not None:
                resource.delete(prior)
            return None
        found = resource.create(given) if prior is None else resource.update(prior, given)
        settled = planning.settle(planned, found)
        assert isinstance(settled, dict)
        return settled

    def _find(self, type_name: str) -> tuple[Resource, Block]:
        resource, block = self.provider.resources.get(type_name), self._schemas.get(type_name)
        if resource is None or block is None:
            known = ", ".join(sorted(self.provider.resources))
            raise PluginError(
                f"the {self.provider.title} does not implement {type_name}",
                f"It implements {known}. Use the official plugin for it (`terraform.providers: official`).",
            )
        return resource, block

    def _find_data(self, type_name: str) -> tuple[DataSource, Block]:
        source = self.provider.data_sources.get(type_name)
        if source is None:
            raise PluginError(f"the {self.provider.title} does not implement the data source {type_name}")
        return source, self._data_schemas[type_name]

    def _provider_config(self, request: Any) -> State:
        return _body(self.provider.schema.provider, request.config) or {}


def _capabilities() -> Any:
    # The schema never changes, so Terraform may ask once per command instead of once per plugin process.
    return pb.ServerCapabilities(get_provider_schema_optional=True)


def _body(block: Block, value: Any) -> State | None:
    if value.json:
        raw: Value = from_json(block.wire_type, json.loads(value.json))
    else:
        raw = decode(block.wire_type, value.msgpack)
    assert raw is None or isinstance(raw, dict)
    return raw


def _leftover(error: Exception, prior: State | None, planned: State | None) -> State | None:
    if isinstance(error, PluginError) and error.state is not None and planned is not None:
        settled = planning.settle(planned, error.state)
        assert isinstance(settled, dict)
        # Known planned values are not what exists after a partial change; the implementation's word is.
        known = {name: item for name, item in error.state.items() if name in settled and not has_unknown(item)}
        return {**settled, **known}
    return prior
