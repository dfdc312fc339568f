/**
 * oidc-provider, without what it prints at import: it warns about every Node that does not call itself LTS, and the one
 * that npm brings never does, whatever its version.
 */
const warn = console.warn
console.warn = (...said: unknown[]) => {
  if (!String(said[0]).includes('Unsupported runtime')) warn(...said)
}
const library = await import('oidc-provider')
console.warn = warn

export const { Provider, errors, interactionPolicy } = library
export type Provider = InstanceType<typeof Provider>
