/** Recognises a process's own messages by their `type`, so that a stranger's message crashes nobody by its shape. */
export function messagesOf<M extends { readonly type: string }>(
  ...types: readonly M['type'][]
): (message: unknown) => message is M {
  const known: readonly unknown[] = types;
  return (message): message is M =>
    typeof message === 'object' && message !== null && 'type' in message && known.includes(message.type);
}
