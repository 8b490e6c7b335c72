/**
 * Valid policies along a path, as the graph of RFC 9618 (which replaces the tree of RFC 5280 §6.1): one node per
 * policy and depth, so that mappings cost what their certificates are long and never multiply.
 */
import type { Certificate } from './certificate.js';
import { Oid } from './oids.js';

/** The policy inputs of RFC 5280 §6.1.1. */
export interface PolicyInputs {
  /** user-initial-policy-set; `undefined` is any-policy. */
  readonly initialPolicies: ReadonlySet<string> | undefined;
  readonly requireExplicitPolicy: boolean;
  readonly inhibitPolicyMapping: boolean;
  readonly inhibitAnyPolicy: boolean;
}

export const anyPolicyInputs: PolicyInputs = {
  initialPolicies: undefined,
  requireExplicitPolicy: false,
  inhibitPolicyMapping: false,
  inhibitAnyPolicy: false,
};

/** A policy at one depth: the policies at the depth above it follows from, and those it may go on as below. */
interface Node {
  readonly parents: Set<string>;
  expected: Set<string>;
}
type Level = Map<string, Node>;

const any = Oid.anyPolicy;

/** Mutable state of one validation; feed it certificates from below the anchor down. */
export class PolicyGraph {
  /** Depth 0 first; the graph is NULL (in the RFC's word) when the last level is empty. */
  readonly #levels: Level[] = [new Map([[any, { parents: new Set<string>(), expected: new Set([any]) }]])];
  readonly #inputs: PolicyInputs;
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAny: number;

  /** `length`: certificates below the anchor. */
  constructor(inputs: PolicyInputs, length: number) {
    this.#inputs = inputs;
    this.#explicitPolicy = inputs.requireExplicitPolicy ? 0 : length + 1;
    this.#policyMapping = inputs.inhibitPolicyMapping ? 0 : length + 1;
    this.#inhibitAny = inputs.inhibitAnyPolicy ? 0 : length + 1;
  }

  /**
   * One certificate; answers whether validation may go on (§6.1.3 f, §6.1.4 a). With `last`, whether the path is
   * acceptable (§6.1.5 g).
   */
  step(certificate: Certificate, last: boolean): boolean {
    const policies = certificate.decode(Oid.certificatePolicies);
    const above = this.#levels[this.#levels.length - 1] ?? new Map();
    const level: Level = new Map();
    this.#levels.push(level);
    if (policies !== undefined && above.size > 0)
      this.#grow(above, level, policies, certificate.selfIssued && !last);
    if (this.#explicitPolicy === 0 && level.size === 0) return false;
    return last ? this.#wrapUp(certificate) : this.#prepareNext(certificate, above, level);
  }

  /** RFC 9618 §5.3, steps d 1 and 2. */
  #grow(above: Level, level: Level, policies: readonly string[], selfIssuedCa: boolean): void {
    const byExpected = new Map<string, Set<string>>();
    for (const [policy, node] of above) {
      for (const expected of node.expected) {
        const parents = byExpected.get(expected);
        if (parents === undefined) byExpected.set(expected, new Set([policy]));
        else parents.add(policy);
      }
    }
    for (const policy of policies) {
      if (policy === any) continue;
      const parents = byExpected.get(policy) ?? (above.has(any) ? new Set([any]) : undefined);
      if (parents !== undefined) level.set(policy, { parents, expected: new Set([policy]) });
    }
    if (!policies.includes(any) || (this.#inhibitAny === 0 && !selfIssuedCa)) return;
    for (const [policy, parents] of byExpected) {
      if (!level.has(policy)) level.set(policy, { parents, expected: new Set([policy]) });
    }
  }

  /** §6.1.4 a, b, h–j. */
  #prepareNext(certificate: Certificate, above: Level, level: Level): boolean {
    const mappings = certificate.decode(Oid.policyMappings);
    if (mappings !== undefined) {
      const mapped = new Map<string, Set<string>>();
      for (const { issuerDomain, subjectDomain } of mappings) {
        if (issuerDomain === any || subjectDomain === any) return false;
        const subjects = mapped.get(issuerDomain);
        if (subjects === undefined) mapped.set(issuerDomain, new Set([subjectDomain]));
        else subjects.add(subjectDomain);
      }
      for (const [policy, expected] of mapped) this.#map(policy, expected, above, level);
    }
    if (!certificate.selfIssued) {
      if (this.#explicitPolicy > 0) this.#explicitPolicy--;
      if (this.#policyMapping > 0) this.#policyMapping--;
      if (this.#inhibitAny > 0) this.#inhibitAny--;
    }
    const constraints = certificate.decode(Oid.policyConstraints);
    this.#explicitPolicy = Math.min(this.#explicitPolicy, constraints?.requireExplicitPolicy ?? Infinity);
    this.#policyMapping = Math.min(this.#policyMapping, constraints?.inhibitPolicyMapping ?? Infinity);
    this.#inhibitAny = Math.min(this.#inhibitAny, certificate.decode(Oid.inhibitAnyPolicy) ?? Infinity);
    return true;
  }

  #map(policy: string, expected: Set<string>, above: Level, level: Level): void {
    if (this.#policyMapping === 0) {
      level.delete(policy);
      return;
    }
    const node = level.get(policy);
    if (node !== undefined) node.expected = expected;
    else if (level.has(any) && above.has(any)) level.set(policy, { parents: new Set([any]), expected });
  }

  /** §6.1.5 a, b, g. */
  #wrapUp(certificate: Certificate): boolean {
    if (this.#explicitPolicy > 0) this.#explicitPolicy--;
    if (certificate.decode(Oid.policyConstraints)?.requireExplicitPolicy === 0) this.#explicitPolicy = 0;
    if (this.#explicitPolicy > 0) return true;
    const authority = this.#authorityPolicies();
    const initial = this.#inputs.initialPolicies;
    if (initial === undefined || initial.has(any)) return authority.size > 0;
    if (authority.has(any)) return initial.size > 0;
    return [...authority].some((policy) => initial.has(policy));
  }

  /** Policies in the trust anchor's terms that lead to the last certificate: children of any-policy with a living line. */
  #authorityPolicies(): Set<string> {
    const authority = new Set<string>();
    let living = new Set(this.#levels[this.#levels.length - 1]?.keys());
    if (living.has(any)) authority.add(any);
    for (let depth = this.#levels.length - 1; depth > 0; depth--) {
      const parents = new Set<string>();
      for (const policy of living) {
        for (const parent of this.#levels[depth]?.get(policy)?.parents ?? []) {
          parents.add(parent);
          if (parent === any && policy !== any) authority.add(policy);
        }
      }
      living = parents;
    }
    return authority;
  }
}
