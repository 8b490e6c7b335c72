/**
 * Under which options and trust a peer is judged. What a peer has shown under one policy says nothing under another: who
 * keeps something of a connection for later ones (tickets, RFC 8446 §4.6.1) keeps the policy's id with it and the name
 * that was asked for, and looks at both before it is used.
 */
export interface Policy {
  /**
   * Equal ids are equal policies, in other processes and on other machines too. Reading it may cost a hash over all
   * trusted certificates, once.
   */
  readonly id: string;
}
