/** What the CRL cache must know of a CRL, read from its head (RFC 5280 §5.1). */
import type { CrlDescription, CrlReader } from '@actor-tls/crl-cache';
import { DerError, DerReader, Tag } from '../../values/x509/der.js';
import { Name } from '../../values/x509/name.js';

export const crlReader: CrlReader = {
  describe(der): CrlDescription | undefined {
    try {
      const list = new DerReader(der).open(Tag.sequence).open(Tag.sequence);
      if (list.peek() === Tag.integer) list.skip();
      list.skip();
      const issuer = new Name(list.element()).key;
      const thisUpdate = list.time();
      const next = list.done ? undefined : list.peek();
      const nextUpdate = next === Tag.utcTime || next === Tag.generalizedTime ? list.time() : undefined;
      return { issuer, thisUpdate, nextUpdate };
    } catch (error) {
      if (error instanceof DerError) return undefined;
      throw error;
    }
  },
  nameKey: (name) => new Name(name).key,
};
