import type { Door } from './trusted-issuers.ts'

/** What Azure's own clients ask tokens for when they are not told another resource. */
const azureArm = ['https://management.azure.com', 'https://management.core.windows.net']
const azureGraph = ['https://graph.microsoft.com', 'https://graph.windows.net']

/** Two texts name one audience exactly when their keys are equal: case and trailing slashes do not count. */
export function audienceKey(audience: string): string {
  return audience.replace(/\/+$/, '').toLowerCase()
}

/** `baseUrl` and the same scheme and port under each of `hostNames`: every address of this installation, no slash at the end. */
export function installationUrls(baseUrl: string, hostNames: readonly string[]): readonly string[] {
  const aliases = hostNames.map((name) => {
    const url = new URL(baseUrl)
    url.hostname = name.includes(':') ? `[${name}]` : name
    return url.origin
  })
  return [...new Set([audienceKey(baseUrl), ...aliases])]
}

/** Keys of the audiences that the ARM API accepts. */
export function armAudiences(urls: readonly string[]): readonly string[] {
  return [...urls.map(audienceKey), ...azureArm]
}

/** What all clients of blobs ask tokens for when they are not told another resource. */
const azureStorage = 'https://storage.azure.com'

/** Of Graph, not of an account that has this name: that one's blobs are opened by tokens for all accounts. */
const graphPath = 'graph'

/** True for the key of an audience that the blob endpoint of `account` accepts: all accounts', or its own address. */
export function isStorageAudience(key: string, urls: readonly string[], account: string): boolean {
  if (key === azureStorage) return true
  return account !== graphPath && urls.some((url) => key === `${audienceKey(url)}/${account}`)
}

/** Keys of the audiences that blob endpoints accept, of whatever account. */
export function storageAudiences(urls: readonly string[]): Audiences {
  const above = urls.map((url) => `${audienceKey(url)}/`)
  const isOwn = (key: string) =>
    above.some((url) => {
      const account = key.startsWith(url) ? key.slice(url.length) : ''
      return account !== graphPath && /^[a-z\d]{3,24}$/.test(account)
    })
  return { includes: (key) => key === azureStorage || isOwn(key) }
}

/**
 * What tokens of an issuer that is not ours may be made for: this installation's own addresses, and what is `listed`. Azure's
 * names only when they are listed, each for its own kind alone: an issuer makes tokens with them for Azure, too.
 */
export function foreignAudiences(urls: readonly string[], listed: readonly string[]) {
  const keys = listed.map(audienceKey)
  const ours = urls.map(audienceKey)
  const graph = ours.map((url) => `${url}/${graphPath}`)
  const blobs = storageAudiences(urls)
  const others = keys.filter((key) => !azureGraph.includes(key) && !blobs.includes(key))
  const byDoor: Readonly<Record<Door, Audiences>> = {
    arm: [...ours, ...others],
    graph: [...ours, ...others, ...graph, ...keys.filter((key) => azureGraph.includes(key))],
    blobs: {
      includes: (key) => blobs.includes(key) && (key !== azureStorage || keys.includes(key)),
    },
  }
  return (door: Door, audience: string): boolean => byDoor[door].includes(audience)
}

export function anyOf(...all: readonly Audiences[]): Audiences {
  return { includes: (key) => all.some((one) => one.includes(key)) }
}

/** Keys of audiences, listed or computed. */
export type Audiences = Pick<readonly string[], 'includes'>

/** Packer and Terraform ask for a token of Azure's vaults before they do anything; nothing here takes it. */
export const vaultAudiences: readonly string[] = ['https://vault.azure.net']

/** Keys of the audiences that Graph is asked for; az asks before it looks whether anything answers there. */
export function graphAudiences(urls: readonly string[]): readonly string[] {
  return [...urls.map((url) => audienceKey(`${url}/${graphPath}`)), ...azureGraph]
}
