import { readFile } from 'node:fs/promises'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import { foreignAudiences } from '../domain/audiences.ts'
import type { TrustedIssuer } from '../domain/trusted-issuers.ts'
import { type ExternalIssuer, openExternalIssuer } from '../identity/external-issuer.ts'

/** Who else says who somebody is. */
export type ExternalIssuers = {
  /** The one that signs itself exactly so. */
  issuerOf(iss: string): TrustedIssuer | undefined
  /** The `iss` of the first that serves the tenant; undefined when none does. */
  ofTenant(tenantId: string): string | undefined
  /** What a token of the tenant is to be made for, when that is not an address of this installation. */
  audienceOf(tenantId: string): string | undefined
  close(): void
}

/** The issuers of the configuration. None is asked for anything before a token names it. Throws StartError. */
export async function openExternalIssuers(
  config: Pick<Config, 'issuers'>,
  { urls, world }: { readonly urls: readonly string[]; readonly world: World },
): Promise<ExternalIssuers> {
  const byName = new Map<string, ExternalIssuer>()
  for (const { issuer, tenantId, audiences, caFile, claims } of config.issuers) {
    const { principalId, name, groups, tenant } = claims
    const accepts = foreignAudiences(urls, audiences)
    const foreign = { claims: { principalId, name, groups, tenant }, accepts }
    const ca = caFile === undefined ? undefined : await readCa(caFile)
    byName.set(issuer, openExternalIssuer({ issuer, tenantId, foreign, ca, world }))
  }
  return {
    issuerOf: (iss) => byName.get(iss),
    ofTenant: (tenantId) =>
      config.issuers.find((each) => each.tenantId === tenantId.toLowerCase())?.issuer,
    audienceOf: (tenantId) =>
      config.issuers.find((each) => each.tenantId === tenantId.toLowerCase())?.audiences[0],
    close() {
      for (const each of byName.values()) each.close()
    },
  }
}

async function readCa(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(`The CA file of an issuer, ${file}, cannot be read: ${error}.`, {
      cause: error,
    })
  })
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new StartError(`The CA file of an issuer, ${file}, holds no certificate in PEM.`)
}
