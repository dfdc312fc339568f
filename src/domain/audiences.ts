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

/** Keys of the audiences that Graph is asked for; az asks before it looks whether anything answers there. */
export function graphAudiences(urls: readonly string[]): readonly string[] {
  return [...urls.map((url) => audienceKey(`${url}/graph`)), ...azureGraph]
}
