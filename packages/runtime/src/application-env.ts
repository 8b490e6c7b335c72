/**
 * The settings of applications, per node: `application:get_env/2,3` and its family. A table beside the
 * processes, so that reading a setting asks nobody.
 */
import type { Node } from './self.js';

/** Whoever has a node: a process's `self`, or the node. */
export type OnNode = Node | { readonly node: Node };

const tables = new WeakMap<Node, Map<string, Map<string, unknown>>>();

/** A setting's value; `undefined` if there is none. `application:get_env/2`. */
export function getEnv(on: OnNode, application: string, key: string): unknown {
  return tableOf(on).get(application)?.get(key);
}

/** All settings of an application. `application:get_all_env/1`. */
export function getAllEnv(on: OnNode, application: string): Record<string, unknown> {
  return Object.fromEntries(tableOf(on).get(application) ?? []);
}

/**
 * Sets a setting. Unlike OTP's, it outlives loading the application afterwards, as `{persistent, true}` there.
 * `application:set_env/3`.
 */
export function setEnv(on: OnNode, application: string, key: string, value: unknown): void {
  const table = tableOf(on);
  const settings = table.get(application) ?? new Map<string, unknown>();
  table.set(application, settings.set(key, value));
}

/** Removes a setting. `application:unset_env/2`. */
export function unsetEnv(on: OnNode, application: string, key: string): void {
  tableOf(on).get(application)?.delete(key);
}

/** @internal Enters an application's own settings where none are set. */
export function loadEnv(node: Node, application: string, env: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(env))
    if (tableOf(node).get(application)?.has(key) !== true) setEnv(node, application, key, value);
}

/** @internal Forgets all settings of an application that is unloaded. */
export function unloadEnv(node: Node, application: string): void {
  tableOf(node).delete(application);
}

function tableOf(on: OnNode): Map<string, Map<string, unknown>> {
  const node = nodeIn(on);
  const table = tables.get(node) ?? new Map<string, Map<string, unknown>>();
  tables.set(node, table);
  return table;
}

/** The node of a process's `self`, or the node itself. */
export function nodeIn(on: OnNode): Node {
  return 'node' in on ? on.node : on;
}
