import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { StartError } from './base/start-error.ts'
import { parseImportHost } from './domain/import-hosts.ts'
import { sizes } from './domain/limits.ts'
import { openRegions, type Region, type RegionName, regionName } from './domain/regions.ts'
import { storageTypes } from './domain/spaces.ts'
import { ConfiguredOwner, ExternalIssuer, issuerProblems } from './doors/issuer-settings.ts'
import type { EndpointPolicy, ImportPolicy } from './imports/import-policy.ts'
import type { Settings } from './resources/declaration.ts'

const zones = ['1', '2', '3'] as const

/** The regions of an installation that names none; those with zones can hold Standard_ZRS. */
const embeddedRegions: readonly { displayName: string; zones: readonly string[] }[] = [
  { displayName: 'West Europe', zones },
  { displayName: 'North Europe', zones },
  { displayName: 'East US', zones },
  { displayName: 'East US 2', zones },
  { displayName: 'West US', zones: [] },
  { displayName: 'West US 2', zones },
  { displayName: 'South Central US', zones },
  { displayName: 'West Central US', zones: [] },
  { displayName: 'Southeast Asia', zones },
]

const embeddedTenant = '72f988bf-0000-4000-8000-000000000001'
const embeddedSubscription = '00000000-0000-4000-8000-000000000001'

/** Requirements 80-84, as configured by default; `current` gives Azure's numbers of today. */
const perRegion = {
  galleriesPerRegion: 100,
  definitionsPerRegion: 1_000,
  versionsPerRegion: 10_000,
} as const
const limitProfiles = {
  vitrine: { ...perRegion, replicasPerRegion: 10, diskBytesMax: 1024 * sizes.gib },
  current: { ...perRegion, replicasPerRegion: 100, diskBytesMax: 2048 * sizes.gib },
} as const

const Guid = z.guid().transform((guid) => guid.toLowerCase())

/** `westeurope/Standard_ZRS/1/2`, with `*` for any part, at the end for all that follow. */
const SpacePattern = z
  .string()
  .regex(
    new RegExp(`^([a-z0-9]+|\\*)(/(${storageTypes.join('|')}|\\*)(/(\\d+|\\*)(/(\\w+|\\*))?)?)?$`),
    'a space is region/storageType/replica[/zone], or * in their place',
  )
  .refine(
    (pattern) => pattern.endsWith('*') || pattern.split('/').length > 2,
    'end it with /* to mean all that follow',
  )

/** A bucket of any S3 server. Credentials come from the AWS credentials chain (environment, files, role), never from here. */
const S3Place = z.strictObject({
  bucket: z.string().min(1),
  region: z.string().default('us-east-1'),
  /** Left out: AWS. */
  endpoint: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !URL.parse(url)?.username, 'credentials do not belong into the endpoint')
    .optional(),
  /** Before the space's id, which comes before every key. */
  prefix: z
    .string()
    .regex(/^([\w.-]+\/)*$/, 'a prefix ends with a slash')
    .default(''),
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. By default for every endpoint but AWS. */
  pathStyle: z.boolean().optional(),
  /** A profile of the AWS credential files. */
  profile: z.string().optional(),
})

export type S3Place = z.output<typeof S3Place>

/** Hosts of others: none, unless they are named. */
const Hosts = z
  .array(
    z
      .string()
      .refine(
        (text) => parseImportHost(text) !== undefined,
        'a host is files.example.com, *.example.com, or an origin such as https://files.example.com:8443',
      ),
  )
  .default([])

/** What a configuration file (JSON) may say; every setting once, each with its default. */
export const ConfigFile = z.strictObject({
  /** Where everything is kept. */
  data: z.string().default('./data'),
  host: z.string().default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z.int().min(0).max(65535).default(8443),
  /** Names and addresses clients use besides loopback: they go into the certificate. */
  hostNames: z.array(z.string()).default([]),
  /** How clients reach this installation, when it is not `https://127.0.0.1:port` (a proxy, a name). */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** How many proxies stand in front, one behind another: each adds the address it heard to `X-Forwarded-For`. */
  proxies: z.int().min(0).max(10).default(0),
  /** How much one principal may ask of this process. */
  rateLimits: z
    .strictObject({
      /** Azure's own limits, made so many times as large: 500 reads a second for good, 5000 at once. */
      timesAzure: z.number().positive().default(20),
    })
    .prefault({}),
  /** Days that the audit is kept. */
  auditDays: z.number().positive().max(3_650).default(90),
  /** Days that the activity log, and the events of it, are kept. */
  activityLogDays: z.number().positive().max(3_650).default(90),
  /** The user's own certificate and key, PEM; left out, one is made under the installation's own CA. */
  tls: z.strictObject({ certFile: z.string(), keyFile: z.string() }).optional(),
  /** Plain HTTP, for a proxy in front that ends TLS. Never on by itself. */
  plainHttp: z.boolean().default(false),
  tenantId: Guid.default(embeddedTenant),
  /** Whether the installation signs people and applications of `tenantId` in itself. */
  embeddedIssuer: z.boolean().default(true),
  /** Other OpenID issuers whose tokens are accepted. */
  issuers: z.array(ExternalIssuer).max(100).default([]),
  /** Somebody whom one of `issuers` signs in and who owns all of that tenant, so that there is one who begins. */
  owner: ConfiguredOwner.optional(),
  subscriptions: z
    .array(
      z.strictObject({
        id: Guid,
        displayName: z.string(),
        /** Whose it is; left out, the operators' own tenant, `tenantId`. */
        tenantId: Guid.optional(),
      }),
    )
    .min(1)
    .default([{ id: embeddedSubscription, displayName: 'Vitrine' }]),
  regions: z
    .array(
      z.strictObject({ displayName: z.string().min(1), zones: z.array(z.string()).default([]) }),
    )
    .min(1)
    .default(embeddedRegions.map((region) => ({ ...region, zones: [...region.zones] }))),
  /** What this process does: answer clients, do the work of its regions, or both. */
  roles: z
    .array(z.enum(['api', 'worker']))
    .min(1)
    .default(['api', 'worker']),
  /** The regions whose spaces this process reaches, by name; left out, all. It asks other processes for bytes of the rest. */
  ownRegions: z.array(z.string().min(1)).optional(),
  /** Lets other processes of the installation reach the bytes of this one's regions, over TLS with both ends authenticated. */
  peer: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      /** 0 takes any free port. */
      port: z.int().min(0).max(65535).default(8444),
      /** How others reach it, when it is not `https://host:port`. */
      url: z
        .url({ protocol: /^https$/ })
        .transform((url) => new URL(url).origin)
        .optional(),
    })
    .refine(
      ({ host, url }) => url !== undefined || !['0.0.0.0', '::'].includes(host),
      'with this host, name the url at which other processes reach it',
    )
    .optional(),
  /** The key that all processes of an installation share; by default `installation.key` below `data`, made at the first start. */
  installationKeyFile: z.string().optional(),
  /** A PostgreSQL database, which other processes may share, instead of the embedded one below `data`. */
  database: z
    .strictObject({
      /** `postgres://user@host:port/name`; a password may also come from PGPASSWORD or ~/.pgpass. */
      url: z.url({ protocol: /^postgres(ql)?$/ }),
      /** PEM of the CA that signed the server's certificate: with it the server must prove its name. */
      caFile: z.string().optional(),
      /** Connections of this process. */
      poolMax: z.int().min(2).max(1_000).default(10),
    })
    .optional(),
  /** Spaces that lie elsewhere than below `data/spaces`, by id or pattern: a folder, or a part of a bucket. The first that fits counts. */
  spaces: z.record(SpacePattern, z.union([z.string().min(1), S3Place])).default({}),
  limits: z
    .strictObject({
      profile: z.enum(['vitrine', 'current']).default('vitrine'),
      galleriesPerRegion: z.int().positive().optional(),
      definitionsPerRegion: z.int().positive().optional(),
      versionsPerRegion: z.int().positive().optional(),
      replicasPerRegion: z.int().positive().optional(),
      diskBytesMax: z.int().positive().optional(),
    })
    .prefault({}),
  /** A file (JSON) with what storage and egress cost, as `src/doors/example-prices.json` has it; left out, that one. */
  prices: z.string().min(1).optional(),
  compatibility: z
    .strictObject({
      galleryNames: z.enum(['strict', 'current']).default('strict'),
      endOfLife: z.enum(['enforce', 'inform']).default('enforce'),
    })
    .prefault({}),
  lifecycle: z
    .strictObject({
      /** `on`: definitions past their end of life are deleted with their versions, unless something uses them. */
      removeExpiredDefinitions: z.enum(['off', 'on']).default('off'),
    })
    .prefault({}),
  /** Webhooks. */
  events: z
    .strictObject({
      /** To where events may be sent, as `imports.hosts`. Empty: to nowhere. */
      hosts: Hosts,
    })
    .prefault({}),
  /** Files of other hosts that a client names by their URL: this server fetches them. */
  imports: z
    .strictObject({
      /** From where: `files.example.com`, `*.example.com`, or an origin as `http://127.0.0.1:10000`, which may be private. Empty: from nowhere. */
      hosts: Hosts,
      /** Bytes of a file; left out, the largest disk and 1 GiB for the tables of its format. */
      bytesMax: z.int().positive().optional(),
      /** From the request to the last byte. */
      hoursMax: z.number().positive().max(720).default(24),
    })
    .prefault({}),
  /** Days without a new page after which an upload that was begun is given up, and its pages go. */
  uploadDays: z.number().positive().max(3_650).default(7),
  /** Threads that hash and compress. */
  lanes: z.int().min(1).max(64).default(2),
  replication: z
    .strictObject({
      /** What the copies of this process fetch from other regions, all together, on the average; left out, all they can. */
      bytesPerSecond: z.int().min(sizes.mib).optional(),
    })
    .prefault({}),
  /** Every replica is read and compared with its digests, again and again. */
  scrub: z
    .strictObject({
      /** Everything is looked at once in so many days, as far as the rate allows. */
      everyDays: z.number().positive().max(3_650).default(7),
      /** What this process reads for it, on the average. */
      bytesPerSecond: z
        .int()
        .min(64 * sizes.kib)
        .default(16 * sizes.mib),
    })
    .prefault({}),
  /** Minutes after which a space that is empty at its place is made anew and filled from others. */
  rebuildAfterMinutes: z.union([z.number().min(0), z.literal('never')]).default(30),
  /** Seconds that a pack without owners stays readable. */
  sweepHoldSeconds: z.number().min(0).default(600),
  /** The quietest lines of the log that are written; `debug` has one for each request. */
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** A file with the bearer token that reads /metrics; left out, they are read from this machine alone. */
  metricsTokenFile: z.string().min(1).optional(),
  /** Sends OpenTelemetry traces by OTLP over HTTP. */
  tracing: z
    .strictObject({
      /** The collector's own address for traces, e.g. `http://127.0.0.1:4318/v1/traces`. */
      url: z.url({ protocol: /^https?$/ }),
      /** The part of requests that is traced when their client does not say. */
      ratio: z.number().min(0).max(1).default(1),
    })
    .optional(),
  /** Seconds that it goes on answering after SIGTERM, with /readyz at 503: until balancers send it nothing more. */
  drainSeconds: z.number().min(0).max(3_600).default(0),
})

export type Config = z.output<typeof ConfigFile>

/** Values that flags and tests lay over the file. */
export type ConfigOverrides = z.input<typeof ConfigFile>

/** Reads the configuration: the file (JSON) when there is one, `overrides` over it. Throws StartError with the path of each wrong member. */
export async function readConfig(
  file: string | undefined,
  overrides: ConfigOverrides = {},
): Promise<Config> {
  const said = file === undefined ? {} : await readJson(file)
  const set = Object.entries(overrides).filter(([, value]) => value !== undefined)
  const read = ConfigFile.safeParse({ ...Object(said), ...Object.fromEntries(set) })
  if (!read.success) {
    const where = file === undefined ? 'The settings are' : `The settings of ${file} are`
    throw new StartError(`${where} not right:\n${z.prettifyError(read.error)}`)
  }
  const config = { ...read.data, data: resolve(read.data.data) }
  refuseUnknownRegions(config)
  const [problem] = issuerProblems(config)
  if (problem !== undefined) throw new StartError(problem)
  return config
}

function refuseUnknownRegions({
  ownRegions = [],
  regions,
  roles,
  peer,
  database,
}: z.output<typeof ConfigFile>): void {
  if (!database && (roles.length < 2 || ownRegions.length > 0 || peer)) {
    throw new StartError(
      'roles, ownRegions (--regions) and peer are for several processes, which share a PostgreSQL database: add the setting database, or leave them out.',
    )
  }
  const known = regions.map((region) => regionName(region.displayName))
  const unknown = ownRegions.filter((name) => !known.includes(regionName(name)))
  if (unknown.length === 0) return
  throw new StartError(
    `ownRegions (--regions) names '${unknown.join(', ')}', which is none of the regions ${known.join(', ')}.`,
  )
}

/** The regions whose spaces this process reaches. */
export function ownRegionsOf({ ownRegions, regions }: Config): readonly RegionName[] {
  return (ownRegions ?? regions.map((region) => region.displayName)).map(regionName)
}

/** Each with the tenant that it belongs to. */
export function subscriptionsOf({ subscriptions, tenantId }: Config) {
  return subscriptions.map((each) => ({ ...each, tenantId: each.tenantId ?? tenantId }))
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const why = code === 'ENOENT' ? 'there is no such file' : String(error)
    throw new StartError(`The settings ${file} cannot be read: ${why}. Name them with --config.`, {
      cause: error,
    })
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`The settings ${file} are not JSON: ${why}.`, { cause: error })
  }
}

/** What the rules see of the configuration. */
export function settingsOf(config: Config): Settings {
  const { limits, compatibility, lifecycle } = config
  const profile = limitProfiles[limits.profile]
  return {
    regions: openRegions(config.regions.map(regionOf)),
    quotas: {
      galleriesPerRegion: limits.galleriesPerRegion ?? profile.galleriesPerRegion,
      definitionsPerRegion: limits.definitionsPerRegion ?? profile.definitionsPerRegion,
      versionsPerRegion: limits.versionsPerRegion ?? profile.versionsPerRegion,
      replicasPerRegion: limits.replicasPerRegion ?? profile.replicasPerRegion,
      diskBytesMax: limits.diskBytesMax ?? profile.diskBytesMax,
    },
    compatibility,
    lifecycle,
    imports: { hosts: importHostsOf(config) },
  }
}

function importHostsOf({ imports }: Config) {
  return imports.hosts.flatMap((text) => parseImportHost(text) ?? [])
}

/** What a source that says nothing for so long is taken for: gone. */
const importStallMs = 30_000

/** To where events are sent; names are resolved by `resolve`. */
export function eventPolicyOf(
  { events }: Config,
  resolve: ImportPolicy['resolve'],
): EndpointPolicy {
  const hosts = events.hosts.flatMap((text) => parseImportHost(text) ?? [])
  return { hosts, setting: 'events.hosts', stallMs: webhookMs, resolve }
}

/** An endpoint answers within this, or it is asked again. */
const webhookMs = 10_000

/** From where files are fetched, and how long; names are resolved by `resolve`. */
export function importPolicyOf(config: Config, resolve: ImportPolicy['resolve']): ImportPolicy {
  const { bytesMax, hoursMax } = config.imports
  const { diskBytesMax } = settingsOf(config).quotas
  return {
    hosts: importHostsOf(config),
    setting: 'imports.hosts',
    bytesMax: bytesMax ?? diskBytesMax + sizes.gib,
    totalMs: hoursMax * 3_600_000,
    stallMs: importStallMs,
    resolve,
  }
}

function regionOf({ displayName, zones }: Config['regions'][number]): Region {
  return { name: regionName(displayName), displayName, zones }
}
