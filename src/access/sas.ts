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
    return isEqual(signature(grant), sig)
  }

  function imageSignature(grant: string): string {
    return createHmac('sha256', secret).update(`vitrine-image\n${grant}`).digest('base64url')
  }

  /** The URL of a version's disk as a file: stable, and with a name that programs make a file of. */
  function imageUrl(
    origin: string,
    { grant, name }: { readonly grant: string; readonly name: string },
  ) {
    return `${origin}/vm-images/${grant}/${encodeURIComponent(name)}?sig=${imageSignature(grant)}`
  }

  /** True when `sig` was made by `imageUrl` for this grant. */
  function isSignedImage(grant: string, sig: string | undefined): boolean {
    return isEqual(imageSignature(grant), sig)
  }

  return { url, isSigned, imageUrl, isSignedImage }
}

function isEqual(expected: string, given = ''): boolean {
  const bytes = Buffer.from(given)
  return bytes.length === expected.length && timingSafeEqual(Buffer.from(expected), bytes)
}

export type Sas = ReturnType<typeof openSas>
