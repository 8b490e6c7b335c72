/** Where datagrams come from and go to. The protocol compares paths and hands them back; only transports know more of them. */

export interface Path {
  readonly address: string;
  readonly port: number;
}

export function samePath(one: Path, other: Path): boolean {
  return one.port === other.port && one.address === other.address;
}
