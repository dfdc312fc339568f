import { createHmac, timingSafeEqual } from 'node:crypto'

/** The signed part of a grant's URL: whoever holds it may read or write the bytes while the grant's row lives. */
const version = '2018-03-28'

/** Signs and checks the URLs of grants. `secret` is the installation's own, at least 32 bytes. */
export function openSas(secret: Uint8Array) {
  function signature(grant: string): string {
    return createHmac('sha256', secret)
      .update(`vitrine-sas\n${version}\n${grant}`)
      .digest('base64url')
  }

  /** The URL of a grant below `origin`, in the form that Azure's disk SAS has: account, container, blob, query. */
  function url(origin: string, grant: string): string {
    return `${origin}/md-disks/${grant}/abcd?sv=${version}&sr=b&si=${grant}&sig=${signature(grant)}`
  }

  /** True when `sig` was made by `url` for this grant. Whether the grant still lives is its row's to say. */
  function isSigned(grant: string, sig: string | undefined): boolean {
    const expected = Buffer.from(signature(grant))
    const given = Buffer.from(sig ?? '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  return { url, isSigned }
}

export type Sas = ReturnType<typeof openSas>
