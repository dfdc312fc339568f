import type { IncomingMessage } from 'node:http'

/**
 * Where a request comes from. Each of `proxies` in front of us has added to `X-Forwarded-For` whom it heard: what stands
 * before those is the client's own say, and is not believed.
 */
export function remoteAddress(
  { headers, socket }: Pick<IncomingMessage, 'headers'> & { readonly socket: Heard },
  proxies: number,
): string {
  const heard = socket.remoteAddress ?? ''
  if (proxies === 0) return heard
  const told = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((one) => one.trim())
  return told.at(-proxies) || heard
}

type Heard = { readonly remoteAddress?: string | undefined }
