import { ClientError } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { parseVersionName } from '../../domain/version-name.ts'
import type { Context } from '../command.ts'
import { type Given, may } from '../flag.ts'
import { apiVersions, type VersionNames } from '../paths.ts'
import { resolveVersion, versionIdOf } from '../resolve-version.ts'
import { createResource, readResource } from '../resources.ts'
import type { Session } from '../session.ts'
import { uploadForVersion } from '../upload-for-version.ts'
import { UsageError } from '../usage-error.ts'
import { softDeletedOf } from './soft-deleted.ts'
import type { sources } from './version-sources.ts'

const apiVersion = apiVersions.galleries

/** A version straight from a disk file. */
export const fromFile = {
  from: may(
    '--from <file>',
    'Source: a disk file on this machine (raw, VHD, VHDX, QCOW2, VMDK), or an https URL that the server fetches.',
  ),
  parent: may(
    '--parent <version>',
    'With --from: chunks that this version has are not sent; Major.Minor.Patch, publisher:offer:sku:version or an id. The latest one is always looked at.',
    { completes: 'version' },
  ),
  createDefinition: may(
    '--create-definition <publisher:offer:sku>',
    'With --from: create the image definition as this if it is not there; takes --os-type.',
  ),
  osType: may('--os-type <type>', 'Of that definition.', { choices: ['Linux', 'Windows'] }),
  generation: may('--hyper-v-generation <generation>', 'Of that definition. Default V1.', {
    choices: ['V1', 'V2'],
  }),
}

type From = Given<typeof fromFile>
type Target = VersionNames & { readonly location: string }

/** What is said by --from, as the flags say it that the version is made by. */
type Source = {
  readonly osDisk?: string
  readonly osVhd?: string
  /** Removes what was made on the way. */
  remove(): Promise<void>
}

const nothing: Source = { remove: async () => undefined }

/**
 * Brings what --from says to the server: a file becomes a managed disk, a URL is the server's to fetch. Throws UsageError,
 * ClientError; first of all when the version exists or nothing could be made.
 */
export async function sourceFrom(
  context: Context,
  given: From & Target & Given<typeof sources>,
): Promise<Source> {
  const { from } = given
  if (from === undefined) {
    const alone = [given.parent, given.createDefinition, given.osType, given.generation]
    if (alone.every((flag) => flag === undefined)) return nothing
    throw new UsageError('--parent, --create-definition and what belongs to them go with --from.')
  }
  const others = [given.osDisk, given.osVhd, given.managedImage, given.imageVersion]
  if (others.some((one) => one !== undefined))
    throw new UsageError(
      '--from excludes --os-snapshot, --os-vhd-uri, --managed-image and --image-version.',
    )
  const session = await context.connect()
  const { world, signal, err: terminal, homeFolder: stateFolder } = context
  await refuseExisting(session, given, signal)
  await haveDefinition(context, session, given)
  await refuseSoftDeleted(context, given)
  const versionPath = session.paths.version(given)
  const { group, location } = given
  const target = { session, world, terminal, signal, group, versionPath, location }
  if (/^https?:\/\//i.test(from)) return { ...nothing, osVhd: from }
  const parents = await parentsOf(session, given, signal)
  const { id, remove } = await uploadForVersion({ ...target, stateFolder, file: from, parents })
  return { osDisk: id, remove }
}

async function refuseExisting(session: Session, given: Target, signal: AbortSignal) {
  const found = await session.client.find(session.paths.version(given), { apiVersion, signal })
  if (found === undefined) return
  throw new ClientError({
    code: 'Conflict',
    message: `'${given.version}' exists already; nothing was changed.`,
    status: 409,
    nextStep: 'Look at it with `vitrine image-version show`, or give the next number.',
  })
}

/** The server would say so when all is sent. */
async function refuseSoftDeleted(context: Context, given: Target) {
  const deleted = await softDeletedOf(context, given)
  if (!deleted.some(({ name }) => name === given.version)) return
  throw new ClientError({
    code: 'Conflict',
    message: `'${given.version}' is soft deleted, and its name is not free; nothing was sent.`,
    status: 409,
    nextStep:
      '`vitrine image-version restore` brings it back, `delete --purge` ends it; or give the next number.',
  })
}

/** Before any byte is sent. */
async function haveDefinition(context: Context, session: Session, given: From & Target) {
  const path = session.paths.definition(given.group, given.gallery, given.definition)
  if (given.createDefinition === undefined) {
    await readResource(context, { path, apiVersion })
    return
  }
  const { signal } = context
  if ((await session.client.find(path, { apiVersion, signal })) !== undefined) return
  const [publisher, offer, sku, ...more] = given.createDefinition.split(':')
  if (!publisher || !offer || !sku || more.length > 0)
    throw new UsageError('--create-definition takes publisher:offer:sku.')
  if (given.osType === undefined) throw new UsageError('--create-definition needs --os-type.')
  const properties = {
    osType: given.osType,
    osState: 'Generalized',
    hyperVGeneration: given.generation ?? 'V1',
    identifier: { publisher, offer, sku },
  }
  const body = { location: given.location, properties }
  await createResource(context, { path, apiVersion, body, command: 'image-definition' })
}

/** The one that was named, which must be there, and the latest one if there is any. */
async function parentsOf(
  session: Session,
  given: From & Target,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const options = { region: given.location, signal }
  const parents: JsonObject[] = []
  const { parent } = given
  if (parent !== undefined && parseVersionName(parent)) {
    parents.push(await resolveVersion(session, { ...given, version: parent }, options))
  } else if (parent !== undefined) {
    const path = encodeURI(await versionIdOf(session, parent, options))
    const found = await session.client.find(path, { apiVersion, signal })
    if (found === undefined) throw new UsageError(`There is no version '${parent}'.`)
    parents.push(found)
  }
  const latest = await resolveVersion(session, { ...given, version: 'latest' }, options).catch(
    (error: unknown) => {
      // None yet, or none that we may read.
      if (error instanceof ClientError && (error.status === 404 || error.status === 403)) return
      throw error
    },
  )
  if (latest && !parents.some(({ id }) => id === latest.id)) parents.push(latest)
  return parents
}
