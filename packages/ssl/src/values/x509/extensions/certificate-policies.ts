/** The four policy extensions: RFC 5280 §4.2.1.4 policies, §4.2.1.5 mappings, §4.2.1.11 constraints, §4.2.1.14 inhibit. */
import { type DerReader, implicit, Tag } from '../der.js';

/** Policy OIDs, each once. Qualifiers are stepped over: nobody in TLS reads them. */
export function readCertificatePolicies(reader: DerReader): readonly string[] {
  const sequence = reader.open(Tag.sequence);
  const policies = new Set<string>();
  do {
    const information = sequence.open(Tag.sequence);
    const policy = information.oid();
    if (policies.has(policy)) sequence.fail('policy named twice');
    policies.add(policy);
    if (!information.done) information.elementOf(Tag.sequence);
    information.finish();
  } while (!sequence.done);
  return [...policies];
}

export interface PolicyMapping {
  readonly issuerDomain: string;
  readonly subjectDomain: string;
}

export function readPolicyMappings(reader: DerReader): readonly PolicyMapping[] {
  const sequence = reader.open(Tag.sequence);
  const mappings: PolicyMapping[] = [];
  do {
    const mapping = sequence.open(Tag.sequence);
    mappings.push({ issuerDomain: mapping.oid(), subjectDomain: mapping.oid() });
    mapping.finish();
  } while (!sequence.done);
  return mappings;
}

export interface PolicyConstraints {
  /** Certificates after which an explicit policy is needed. */
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

export function readPolicyConstraints(reader: DerReader): PolicyConstraints {
  const sequence = reader.open(Tag.sequence);
  const field = (n: number): number | undefined =>
    sequence.peek() === implicit(n) ? sequence.smallInteger(implicit(n)) : undefined;
  const requireExplicitPolicy = field(0);
  const inhibitPolicyMapping = field(1);
  sequence.finish();
  if (requireExplicitPolicy === undefined && inhibitPolicyMapping === undefined) {
    reader.fail('empty policy constraints');
  }
  return { requireExplicitPolicy, inhibitPolicyMapping };
}

export function readInhibitAnyPolicy(reader: DerReader): number {
  return reader.smallInteger();
}
