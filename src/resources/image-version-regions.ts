import { type Problem, unless } from '../domain/problem.ts'
import { regionName, sameRegion } from '../domain/regions.ts'
import type { Settings, Write } from './declaration.ts'
import { futureProblems } from './image-definition-rules.ts'
import type { PublishingProfile, TargetRegion } from './image-version-schema.ts'
import { rangeProblems } from './parse.ts'

/** What of a version these rules look at, of an image or of an application. */
type Published = {
  readonly location: string
  readonly properties: {
    readonly publishingProfile?: PublishingProfile
    readonly safetyProfile?: { readonly allowDeletionOfReplicatedLocations?: boolean }
  }
}

const target = 'galleryImageVersion.properties.publishingProfile'

/** From this version on a new version prefers Standard_ZRS where zones exist. */
const strategySince = '2025-03-03'
/** What Standard_ZRS needs. */
const zonesMin = 3

/** The publishing profile with everything written out that the request left to the server. */
export function completeProfile(write: Write<Published>): PublishingProfile {
  const { next, settings } = write
  const { targetExtendedLocations, ...asked } = next.properties.publishingProfile ?? {}
  const profile = withStorage(write, asked)
  const regions = profile.targetRegions ?? [{ name: next.location }]
  return {
    ...profile,
    ...(targetExtendedLocations?.length && { targetExtendedLocations }),
    targetRegions: regions.map((region) => ({
      ...region,
      name: settings.regions.find(region.name)?.displayName ?? region.name,
      regionalReplicaCount: region.regionalReplicaCount ?? profile.replicaCount ?? 1,
      storageAccountType: storageOf(write, profile, region),
    })),
  }
}

/** What an api-version means by saying nothing of storage is written down once, at creation. */
function withStorage(
  { before, apiVersion }: Write<Published>,
  profile: PublishingProfile,
): PublishingProfile {
  const says = profile.storageAccountType ?? profile.storageAccountStrategy
  if (before || says !== undefined) return profile
  return apiVersion < strategySince
    ? { ...profile, storageAccountType: 'Standard_LRS' }
    : { ...profile, storageAccountStrategy: 'PreferStandard_ZRS' }
}

function storageOf(
  { before, settings }: Write<Published>,
  profile: PublishingProfile,
  region: TargetRegion,
): NonNullable<TargetRegion['storageAccountType']> {
  const stored = regionsOf(before?.doc).find((known) => sameRegion(known.name, region.name))
  const said = region.storageAccountType ?? stored?.storageAccountType ?? profile.storageAccountType
  if (said !== undefined) return said
  if (profile.storageAccountStrategy !== 'PreferStandard_ZRS') return 'Standard_LRS'
  return hasZones(settings, region.name) ? 'Standard_ZRS' : 'Standard_LRS'
}

function hasZones({ regions }: Settings, name: string): boolean {
  return (regions.find(name)?.zones.length ?? 0) >= zonesMin
}

/** Target regions as stored; [] before there are any. */
export function regionsOf(doc: Published | undefined): readonly TargetRegion[] {
  return doc?.properties.publishingProfile?.targetRegions ?? []
}

/** Requirements 59-68, 74, 83: every reason why a version may not be published like this. */
export function publishingProblems(write: Write<Published>): readonly Problem[] {
  const { next, before, settings, now } = write
  const profile = next.properties.publishingProfile ?? {}
  const { endOfLifeDate } = profile
  const max = settings.quotas.replicasPerRegion
  const same = endOfLifeDate === before?.doc.properties.publishingProfile?.endOfLifeDate
  return [
    ...rangeProblems(profile.replicaCount, { min: 1, max, target: `${target}.replicaCount` }),
    ...(same ? [] : futureProblems(endOfLifeDate, now, `${target}.endOfLifeDate`)),
    ...listProblems(next),
    ...regionsOf(next).flatMap((region) => regionProblems(region, settings)),
    ...storageChangeProblems(write),
    ...removalProblems(write),
    ...shallowProblems(next),
    ...unless(
      profile.storageAccountType === undefined || profile.storageAccountStrategy === undefined,
      'InvalidParameter',
      `${target}.storageAccountStrategy`,
      'storageAccountType and storageAccountStrategy cannot both be given. Leave out one of them.',
    ),
    ...unless(
      profile.targetExtendedLocations === undefined,
      'InvalidParameter',
      `${target}.targetExtendedLocations`,
      'Edge zones are not available here. Leave out targetExtendedLocations.',
    ),
  ]
}

function listProblems(next: Published): readonly Problem[] {
  const names = regionsOf(next).map((region) => region.name)
  const unique = new Set(names.map(regionName))
  return [
    ...unless(
      unique.size === names.length,
      'InvalidParameter',
      `${target}.targetRegions`,
      'Duplicate regions are not allowed in target publishing regions.',
    ),
    ...unless(
      unique.has(regionName(next.location)),
      'InvalidParameter',
      `${target}.targetRegions`,
      `Gallery image version publishing profile regions '${names.join(', ')}' must contain the location of image version '${next.location}'.`,
    ),
  ]
}

function regionProblems(region: TargetRegion, settings: Settings): readonly Problem[] {
  const { name, regionalReplicaCount, storageAccountType } = region
  const path = `${target}.targetRegions`
  const served = settings.regions.find(name)
  if (!served) {
    const list = settings.regions.all.map((each) => each.displayName).join(', ')
    return [
      {
        code: 'LocationNotAvailableForResourceType',
        message: `The provided location '${name}' is not available for resource type 'Microsoft.Compute/galleries/images/versions'. List of available regions for the resource type is '${list}'.`,
        target: path,
      },
    ]
  }
  const max = settings.quotas.replicasPerRegion
  return [
    ...rangeProblems(regionalReplicaCount, {
      min: 1,
      max,
      target: `${path}.regionalReplicaCount`,
    }),
    ...unless(
      storageAccountType !== 'Standard_ZRS' || hasZones(settings, name),
      'InvalidParameter',
      `${path}.storageAccountType`,
      `ZRS storage account type is not supported in this region. (${name} has no availability zones; use Standard_LRS or Premium_LRS.)`,
    ),
    ...unless(
      storageAccountType !== 'PremiumV2_LRS',
      'InvalidParameter',
      `${path}.storageAccountType`,
      'PremiumV2_LRS is not available here. Use Premium_LRS.',
    ),
    ...unless(
      region.encryption === undefined,
      'InvalidParameter',
      `${path}.encryption`,
      'Disk encryption sets and confidential encryption are not available here. Leave out encryption.',
    ),
    ...unless(
      (region.additionalReplicaSets ?? []).length === 0,
      'InvalidParameter',
      `${path}.additionalReplicaSets`,
      'A second storage type in one region is not available here. Leave out additionalReplicaSets.',
    ),
  ]
}

function storageChangeProblems({ next, before }: Write<Published>): readonly Problem[] {
  return regionsOf(before?.doc).flatMap(({ name, storageAccountType }) => {
    const now = regionsOf(next).find((region) => sameRegion(region.name, name))
    return unless(
      now === undefined || now.storageAccountType === storageAccountType,
      'InvalidParameter',
      `${target}.targetRegions.storageAccountType`,
      `Global storage account type does not match the storage account type in the existing TargetRegion: '${name}'. Please specify '${storageAccountType}' as the storage account type for this region.`,
    )
  })
}

/** A region goes (requirement 63) unless the owner said that none may; see docs/wire.md on the default. */
function removalProblems({ next, before }: Write<Published>): readonly Problem[] {
  const { allowDeletionOfReplicatedLocations: allowed } = next.properties.safetyProfile ?? {}
  const gone = regionsOf(before?.doc)
    .filter(({ name }) => !regionsOf(next).some((region) => sameRegion(region.name, name)))
    .map((region) => region.name)
  return unless(
    gone.length === 0 || allowed !== false,
    'OperationNotAllowed',
    'galleryImageVersion.properties.safetyProfile.allowDeletionOfReplicatedLocations',
    `Removing the target regions '${gone.join(', ')}' is not allowed while safetyProfile.allowDeletionOfReplicatedLocations is false. Set it to true first.`,
  )
}

function shallowProblems(next: Published): readonly Problem[] {
  const { replicationMode, replicaCount = 1 } = next.properties.publishingProfile ?? {}
  if (replicationMode !== 'Shallow') return []
  const regions = regionsOf(next)
  const counts = [replicaCount, ...regions.map((region) => region.regionalReplicaCount ?? 1)]
  return [
    ...unless(
      regions.every((region) => sameRegion(region.name, next.location)),
      'InvalidParameter',
      `${target}.targetRegions`,
      `A version with replicationMode Shallow stays in its own region '${next.location}'. Remove the other target regions or use Full.`,
    ),
    ...unless(
      counts.every((count) => count === 1),
      'InvalidParameter',
      `${target}.replicaCount`,
      'A version with replicationMode Shallow has exactly one replica. Set the replica counts to 1 or use Full.',
    ),
  ]
}
