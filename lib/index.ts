/** The public surface: what a plugin author imports from 'gatewayd'. */
export { definePlugin } from './plugin/plugin.ts';
export type { Deactivate, Host, Plugin } from './plugin/plugin.ts';
export type { FailurePhase, LoadedPlugin, LoadedPlugins, PluginFailure, Trust } from './hooks/loaded-plugin.ts';
export type { Built, ConnectionsEvent, HookName, Hooks, ServerEvent } from './hooks/hooks.ts';
export type { BreakerState } from './hooks/circuit-breaker.ts';
export type { ChangeKind, MessageChange } from './hooks/message-change.ts';
export type { HookStatistics } from './hooks/statistics.ts';
export type { TrafficTapOptions } from './hooks/large-messages.ts';
export type * from './hooks/payloads.ts';
export { Refusal, Verdict } from './hooks/verdict.ts';
export { messages } from './protocol/messages.ts';
export type { BackendMessage, FrontendMessage, Message, RowField, UnknownMessage } from './protocol/messages.ts';
export type { ErrorFields } from './protocol/error-response.ts';
export type { Format, NewValue, Value } from './protocol/field-types.ts';
export type { TransactionStatus } from './protocol/codes.ts';
export { GatewayDError } from './errors.ts';
export type { GlobalConfig } from './config/schema.ts';
export type { Logger } from './logger.ts';
