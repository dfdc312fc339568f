/**
 * The same blob's URL, path-style at an origin of this installation (`ownUrls`, as `installationUrls` tells them);
 * undefined for a URL of any other host, which has nothing of ours whatever its path says. Clients that know an account by
 * their cloud's suffix write `{account}.blob.{suffix}`, without a port: the suffix is a host name of ours, or `storage.`
 * and one. `account`: the account that the client named besides; then Azure's own suffix will do for that one, since
 * clients and scripts write it from the name alone.
 */
export function ownBlobUrl(
  text: string,
  ownUrls: readonly string[],
  account?: string,
): URL | undefined {
  const url = URL.parse(text)
  const [first] = ownUrls
  if (!url || first === undefined || !/^https?:$/.test(url.protocol)) return undefined
  const owns = ownUrls.map((own) => new URL(own))
  if (owns.some(({ origin }) => origin === url.origin)) return url
  const [, name, suffix] = /^([a-z\d]{3,24})\.blob\.(.+)$/.exec(url.hostname) ?? []
  if (name === undefined || suffix === undefined) return undefined
  const isAzure = name === account && /^core\.[a-z.]+$/.test(suffix) && url.port === ''
  if (!isAzure && !owns.some((own) => isSuffixOf(own, suffix, url.port))) return undefined
  return new URL(`${new URL(first).origin}/${name}${url.pathname}${url.search}`)
}

/**
 * What a template puts behind `{account}.blob.` (`environment().suffixes.storage`) for `ownBlobUrl` to know it as ours. No
 * name ends in an address: where the installation has nothing else, it is that of loopback, which is always ours.
 */
export function storageSuffix(baseUrl: string): string {
  const { hostname } = new URL(baseUrl)
  return `storage.${/^[\d.]+$|^\[/.test(hostname) ? 'localhost' : hostname}`
}

/** With another port it is another server of the same machine. */
function isSuffixOf({ hostname, port }: URL, suffix: string, asked: string): boolean {
  const isHost = suffix === hostname || suffix === `storage.${hostname}`
  return isHost && (asked === '' || asked === port)
}
