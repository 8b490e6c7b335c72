/**
 * What becomes of a listener's options: `setopts` changes the template of its later connections, and `handshake/3` lays
 * options over those that one connection was accepted with.
 */
import type { Config, SocketOptions } from '../../options/config.js';
import { mergeOptions, parseClientOptions, parseServerOptions } from '../../options/parse.js';
import type { EndOptions } from '../../options/raw.js';
import { activeOutOfRange, planSetopts, transportRefused } from '../../options/socket-options.js';
import type { Result } from '../../values/terms.js';
import type { Environment } from '../environment.js';

/** Options as their users wrote them. */
const written = new WeakMap<Config, EndOptions>();

/** Keeps the options that a config was made of, for those that are laid over them: of `handshake/3`, after a pause, of a host. */
export function keepWritten(config: Config, options: EndOptions): void {
  written.set(config, options);
}

/** The options that a config was made of. */
export function writtenOf(config: Config): EndOptions {
  return written.get(config) ?? {};
}

/** Options of `handshake/3` or `handshake_continue/2,3` over those before; socket options count when they are named. */
export function layOver(
  options: EndOptions,
  before: Config,
  { engine, settings }: Environment,
): Result<{ readonly config: Config; readonly socket: Partial<SocketOptions> }> {
  if (Object.values(options).every((value) => value === undefined))
    return { ok: { config: before, socket: {} } };
  const merged = mergeOptions(writtenOf(before), options);
  const context = { engine, defaultVersions: settings.protocolVersions };
  const parsed: Result<Config> =
    before.role === 'client'
      ? parseClientOptions(merged, context)
      : parseServerOptions(merged, { ...context, hosts: options.sniHosts === undefined ? 'judged' : 'new' });
  if ('error' in parsed) return parsed;
  if (parsed.ok.protocol !== before.protocol) return { error: { options: { protocol: parsed.ok.protocol } } };
  keepWritten(parsed.ok, merged);
  const named: Partial<SocketOptions> = Object.fromEntries(
    Object.entries(parsed.ok.socket).filter(([key]) => Reflect.get(options, key) !== undefined),
  );
  return { ok: { config: parsed.ok, socket: named } };
}

/** `setopts` on a listener: the template of later connections; it has no transport options of its own to set. */
export function changedTemplate(
  template: SocketOptions,
  options: unknown,
  protocol: Config['protocol'],
): { readonly options: SocketOptions; readonly result: Result<true> } {
  const plan = planSetopts(options, protocol);
  const { active } = plan.socket;
  let changed: SocketOptions = { ...template, ...plan.socket };
  if (typeof active === 'number') {
    const sum = active + (typeof template.active === 'number' ? template.active : 0);
    if (sum > 32767 || sum < -32768)
      return {
        options: { ...changed, active: template.active },
        result: { error: activeOutOfRange(active) },
      };
    changed = { ...changed, active: sum > 0 ? sum : false };
  }
  if (plan.error !== undefined) return { options: changed, result: { error: plan.error } };
  if (plan.transport !== undefined)
    return { options: changed, result: { error: transportRefused(plan.transport) } };
  return { options: changed, result: { ok: true } };
}
