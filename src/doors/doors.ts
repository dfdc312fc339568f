import { join } from 'node:path'
import { Hono } from 'hono'
import { openAccountKeys } from '../access/account-keys.ts'
import { openRateLimits } from '../access/rate-limits.ts'
import { openSas } from '../access/sas.ts'
import { openArm } from '../api/arm/app.ts'
import { blobApp } from '../api/blob/blob-app.ts'
import { storageApp } from '../api/storage/disk-blob.ts'
import type { World } from '../base/world.ts'
import type { Config } from '../config.ts'
import type { Foundation } from '../foundation.ts'
import { claimOwnerFile, ensureOwner } from '../identity/owner.ts'
import { findLatest } from '../providers/facts.ts'
import type { Providers } from '../providers/ports.ts'
import { openAccounts } from '../regions/account.ts'
import type { Plane } from '../regions/plane.ts'
import { copyForecast } from './copy-forecast.ts'
import { openDelivery, openWebhooks } from './delivery-door.ts'
import { openDeployments } from './deployment-door.ts'
import { elsewhereDoor } from './elsewhere-door.ts'
import { openIdentity } from './identity-door.ts'
import { readPrices } from './price-list.ts'
import { openRefusals } from './refusals.ts'
import { ownerRoleIds } from './steady-owner.ts'
import { openTenants } from './tenant-door.ts'

type DoorParts = Pick<Foundation, 'key' | 'secrets'> & {
  readonly config: Config
  readonly world: World
  /** How clients reach this process. */
  readonly baseUrl: string
  /** Every address of a host name. */
  resolve(host: string): Promise<readonly string[]>
  readonly watch: {
    access<Given, Found>(find: (given: Given) => Promise<Found>): (asked: Given) => Promise<Found>
  }
}

/** The rooms that the doors lead to. */
type Rooms = {
  readonly plane: Plane
  readonly providers: Providers
  /** Every address of this installation. */
  readonly urls: readonly string[]
}

/** Sign-in, ARM and storage behind one Hono app. */
export async function openDoors(parts: DoorParts, rooms: Rooms) {
  const { config, world, baseUrl, key, watch } = parts
  const { plane, providers } = rooms
  const { store, tenancy } = providers
  const { tenantId } = config
  const prices = await readPrices(config.prices)
  const accounts = openAccounts(plane, store.read.placements)
  const refusals = openRefusals(config, { store, world })
  const identity = await openPeople(parts, rooms, refusals)
  const { external, authority, access, rates } = identity
  const tenantsFor = await openTenants({
    ...{ store, tenancy, world },
    changing: identity.changingTenants,
    servedElsewhere: external.ofTenant,
  })
  const owner = await firstOwner(parts, rooms, access)
  const sas = openSas(key)
  const accountKey = openAccountKeys(key)
  const app = new Hono()
  app.route('/', elsewhereDoor({ baseUrl, tenantId, external }))
  if (config.embeddedIssuer) app.route('/', identity.signinRoutes)
  app.route('/', identity.graph)
  app.route('/', bytesDoor(parts, rooms, { identity, sas, accountKey, refusals }))
  const deployments = openDeployments({ providers, baseUrl, key })
  const { resolve } = parts
  const delivering = openDelivery({ config, baseUrl, resolve, deployments, access })
  const arm = openArm({
    ...{ providers, rolesFor: identity.rolesFor, tenantsFor, refusals, rates, authority },
    authenticate: watch.access(access.authenticate),
    sasUrl: sas.url,
    imageUrl: sas.imageUrl,
    spaceOf: accounts.of,
    prices,
    planCopy: copyForecast(plane),
    accountKey,
    ...{ publicUrl: config.publicUrl, baseUrl, deployments, webhooks: openWebhooks(delivering) },
  })
  app.route('/', arm.routes)
  const close = async (): Promise<void> => {
    external.close()
    await accounts.close()
    await refusals.close()
  }
  const deploying = { ...deployments, send: arm.send, callerAgain: access.callerAgain }
  return {
    app,
    arm: arm.listener,
    deploying,
    delivering,
    owner,
    ownerFile: ownerFileOf(config),
    close,
  }
}

/** A process that only works answers no client. */
export function closedDoors(config: Config) {
  const close = async (): Promise<void> => undefined
  const ownerFile = ownerFileOf(config)
  return {
    app: new Hono(),
    arm: undefined,
    deploying: undefined,
    delivering: undefined,
    owner: undefined,
    ownerFile,
    close,
  }
}

const ownerFileOf = ({ data }: Config): string => join(data, 'owner.json')

type Refusing = ReturnType<typeof openRefusals>
type People = Awaited<ReturnType<typeof openPeople>>

async function openPeople(
  { config, baseUrl, secrets, world }: DoorParts,
  { providers, urls }: Rooms,
  refusals: Refusing,
) {
  const { directory, directoryFor, signin, people } = providers.store
  const rates = openRateLimits({ ...config.rateLimits, world })
  const identity = await openIdentity({
    ...{ config, baseUrl, urls, secrets, world, directory, directoryFor, refusals, rates },
    ...{ signin, people },
    tenancy: providers.tenancy,
  })
  return { ...identity, rates }
}

/** Undefined without the embedded issuer: its secret would open nothing. */
async function firstOwner(
  { config, secrets, world }: DoorParts,
  { providers }: Rooms,
  { roles: { assignments } }: People['access'],
) {
  if (!config.embeddedIssuer) return undefined
  const { tenantId } = config
  const { applications } = providers.store.directory
  return ensureOwner({
    ...{ secrets, applications, tenantId, ownerRoleIds, world, assignments },
    keep: (fresh) => claimOwnerFile(ownerFileOf(config), fresh),
  })
}

/** The bytes of disks and images, and of storage accounts. */
function bytesDoor(
  { config, world, baseUrl }: DoorParts,
  { plane, providers: { store, settings, tenancy }, urls }: Rooms,
  {
    identity: { access, authority },
    sas,
    accountKey,
    refusals,
  }: {
    readonly identity: People
    readonly sas: ReturnType<typeof openSas>
    readonly accountKey: ReturnType<typeof openAccountKeys>
    readonly refusals: Refusing
  },
): Hono {
  const disks = storageApp({
    ...{ store, plane, sas, world, settings, refusals },
    findLatest: (key, region) => findLatest({ rows: store.read, settings }, key, region),
    mayOf: access.mayOf,
  })
  const blobs = blobApp({
    ...{ store, plane, world, accountKey, sas, urls, refusals },
    authenticate: access.authenticateForBlobs,
    challengeIn: (subscription) =>
      `Bearer authorization_uri=${authority(baseUrl, tenancy.tenantOf(subscription))}/oauth2/v2.0/authorize resource_id=https://storage.azure.com`,
    holdMs: config.sweepHoldSeconds * 1000,
  })
  return new Hono().route('/', disks).route('/', blobs)
}
