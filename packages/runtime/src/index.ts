/**
 * Erlang processes on xstate actors.
 */
export type { ProcessSnapshot } from './actor-face.js';
export { Blueprint } from './blueprint.js';
export type { From } from './call.js';
export { systemClock, systemHooks } from './clock.js';
export type { Clock, SchedulerHooks } from './clock.js';
export { Crash, Exit, Exited, isOrderly, reasonText, RuntimeError } from './exit.js';
export type { FailedCall, Reason } from './exit.js';
export { fromProcess } from './from-process.js';
export type { StandInSnapshot } from './from-process.js';
export { startGenServer } from './gen-server.js';
export type {
  CallResult,
  GenServer,
  InfoResult,
  InitResult,
  NoReply,
  Reply,
  StartOptions,
  StartResult,
  Stop,
} from './gen-server.js';
export { hostLogic } from './hosted.js';
export type { HostOptions } from './hosted.js';
export { silentLogger, stderrLogger } from './logger.js';
export type { Logger } from './logger.js';
export type { DownMessage, ExitMessage, Message, SystemMessage, TimeoutMessage } from './messages.js';
export { createNode, defaultNode, nodeOf } from './node.js';
export type { Node, NodeOptions, ProcessInfo, Spawnable, SpawnOptions } from './node.js';
export { Pid } from './pid.js';
export type { ProcessStatus } from './process.js';
export { Ref } from './ref.js';
export type { CrashReport } from './report.js';
export { CALL_TIMEOUT } from './self.js';
export type { OfType, Pattern, ReceiveOptions, Self } from './self.js';
