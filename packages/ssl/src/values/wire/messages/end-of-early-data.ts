/** EndOfEarlyData (RFC 8446 §4.5). */
import { type Codec, struct } from '../codec.js';

export type EndOfEarlyData = Readonly<Record<never, never>>;

export const endOfEarlyData: Codec<EndOfEarlyData> = struct<EndOfEarlyData>({});
