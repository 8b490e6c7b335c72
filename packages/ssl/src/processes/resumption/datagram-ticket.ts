/**
 * Largest ticket that goes into a hello over datagrams, bytes: a hello stands whole in one, since a server keeps nothing of it
 * before it has its cookie (RFC 6347 §4.2.1, RFC 9147 §5.1). The hello besides has up to 400, a datagram 1232.
 */
export const largestDatagramTicket = 768;
