/**
 * Erlang processes on xstate actors.
 */
export type { ProcessSnapshot } from './actor-face.js';
export type { AllStarted, RunningApplication } from './application.js';
export {
  ensureAllStarted,
  loadApplication,
  startApplication,
  stopApplication,
  unloadApplication,
  whichApplications,
} from './application.js';
export type { OnNode } from './application-env.js';
export { getAllEnv, getEnv, setEnv, unsetEnv } from './application-env.js';
export type { ApplicationSpec, StartType } from './application-spec.js';
export { Blueprint } from './blueprint.js';
export type { From } from './call.js';
export { CALL_TIMEOUT } from './call.js';
export type {
  AutoShutdown,
  ChildId,
  ChildSpec,
  ChildStart,
  Restart,
  Shutdown,
  Strategy,
  SupervisorFlags,
} from './child-spec.js';
export { checkChildSpecs } from './child-spec.js';
export type { Clock, SchedulerHooks } from './clock.js';
export { systemClock, systemHooks } from './clock.js';
export type { FailedCall, Reason } from './exit.js';
export { Crash, Exit, Exited, isOrderly, RuntimeError, reasonText } from './exit.js';
export type { StandInSnapshot } from './from-process.js';
export { fromProcess } from './from-process.js';
export type {
  CallResult,
  Eventually,
  GenServer,
  InfoResult,
  InitResult,
  NoReply,
  Reply,
  StartOptions,
  StartResult,
  Stop,
} from './gen-server.js';
export { startGenServer } from './gen-server.js';
export type { LogFields, Logger } from './logger.js';
export { silentLogger, stderrLogger } from './logger.js';
export type { HostOptions } from './logic-body.js';
export { hostLogic } from './logic-body.js';
export type { MemoryUse } from './memory.js';
export type { Message, SystemMessage, TimeoutMessage } from './messages.js';
export { DownMessage, ExitMessage } from './messages.js';
export type { NodeOptions } from './node.js';
export { createNode, defaultNode, nodeOf } from './node.js';
export type { NodeSnapshot, ObservedChild, ObservedGap, ObservedProcess } from './observer.js';
export { observe, observeInTurns, renderTree } from './observer.js';
export type { OfType, Pattern, ReceiveOptions } from './pattern.js';
export { Pid } from './pid.js';
export type { ProcessStatus } from './process.js';
export { Ref } from './ref.js';
export type { CrashReport } from './report.js';
export type {
  Asker,
  CallHandlers,
  MessageHandlers,
  NamedRequest,
  ReplyOf,
  RequestOf,
  Requests,
  ServerRef,
  SystemHandlers,
} from './requests.js';
export { requests } from './requests.js';
export type { Node, ProcessInfo, Self, Shell, Spawnable, SpawnOptions } from './self.js';
export type { Asking, SupervisorInit, SupervisorRef, SupervisorSpec } from './supervisor.js';
export {
  countChildren,
  deleteChild,
  getChildspec,
  restartChild,
  startChild,
  startSupervisor,
  terminateChild,
  whichChildren,
} from './supervisor.js';
export type { ChildCounts, ChildInfo, ErrorAnswer, StartChildResult } from './supervisor-state.js';
export { isThenable } from './thenable.js';
export type { Counts, CountsToTell } from './told-counts.js';
