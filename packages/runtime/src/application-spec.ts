/** What an application is: the content of OTP's `.app` file and callback module, `app(4)` and `application(3)`. */
import type { ChildStart } from './child-spec.js';
import type { Self } from './self.js';

/** How much the end of an application matters; see `startApplication`. */
export type StartType = 'permanent' | 'transient' | 'temporary';

/** An application: a name, what it needs, its settings, and how its top supervisor is started. */
export interface ApplicationSpec {
  readonly name: string;
  readonly description?: string;
  readonly version?: string;
  /** Applications that must run before this one may start. */
  readonly applications?: readonly ApplicationSpec[];
  /** Settings unless `setEnv` has said otherwise, before or after loading. */
  readonly env?: Readonly<Record<string, unknown>>;
  /**
   * Starts the top supervisor, linked to `self` (the application's master). Without it the application is a
   * library: it is started in name only. `Module:start/2`.
   */
  start?(self: Self): ChildStart | PromiseLike<ChildStart>;
  /** Called before the top supervisor is stopped. `Module:prep_stop/1`. */
  prepStop?(self: Self): void | PromiseLike<void>;
  /** Called when it has ended, to clean up. `Module:stop/1`. */
  stop?(): void | PromiseLike<void>;
}
