/** Why a socket or stream of node broke, in the words of `inet:posix()`; `einval` for what these have no word for. */
export function posixName(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return 'nxdomain';
    case '':
    case 'ERR_SOCKET_BAD_PORT':
    case 'ERR_INVALID_ARG_TYPE':
      return 'einval';
    default:
      return /^E[A-Z0-9]+$/.test(code) ? code.toLowerCase() : 'einval';
  }
}
