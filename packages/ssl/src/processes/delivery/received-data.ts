/** What a connection delivers, and how far its options tell: types only. */
import type { PacketMode, SocketOptions } from '../../options/config.js';
import type { HttpPacket } from './packet-http.js';

/** Numbers, as many as the option `header` says, then a `Buffer` of the rest. */
export type HeaderedData = readonly (number | Buffer)[];

/** Received data as the owner sees it: a `Buffer`, a list of byte numbers (`mode`), `header`ed, or what http speaks. */
export type ReceivedData = Buffer | readonly number[] | HeaderedData | HttpPacket;

export type DataMode = SocketOptions['mode'];
type HttpMode = 'http' | 'http_bin' | 'httph' | 'httph_bin';
/** Packet modes whose packets are bytes. */
export type BytePacketMode = Exclude<PacketMode, HttpMode>;

/** What the three options make of the data; `ReceivedData` where a type leaves open which they are. */
export type DataOf<Mode, Packet, Header> = [Packet] extends [HttpMode]
  ? HttpPacket
  : [Packet] extends [BytePacketMode]
    ? BytesOf<Mode, Header>
    : ReceivedData;

type BytesOf<Mode, Header> = [Mode] extends ['list']
  ? readonly number[]
  : [Mode, Header] extends ['binary', 0]
    ? Buffer
    : ReceivedData;

/** Options that change what is delivered; a socket whose type tells that takes none that would make it untrue. */
export type ShapeOf<Data> = [ReceivedData] extends [Data]
  ? Shape<DataMode, PacketMode, number>
  : [Data] extends [Buffer]
    ? Shape<'binary', BytePacketMode, 0>
    : Shape<never, never, never>;

interface Shape<Mode, Packet, Header> {
  /** `mode`: `'binary'` or `'list'`. */
  readonly mode?: Mode | undefined;
  /** `packet`, for sending too. */
  readonly packet?: Packet | undefined;
  /** `header`: bytes delivered as numbers before the rest. */
  readonly header?: Header | undefined;
}
