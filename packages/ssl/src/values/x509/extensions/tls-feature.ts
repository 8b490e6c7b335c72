/** TLS Feature ("must staple"), RFC 7633. */
import { type DerReader, Tag } from '../der.js';

/** TLS extension numbers that the server must support; 5 (status_request) is must-staple. */
export function readTlsFeature(reader: DerReader): readonly number[] {
  const sequence = reader.open(Tag.sequence);
  const features: number[] = [];
  while (!sequence.done) features.push(sequence.smallInteger());
  return features;
}
