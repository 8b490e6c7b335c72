/** Whether two arrays hold the same bytes. For what everybody may see: secrets are compared by the engine (`equal`). */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
