import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ClientError } from '../client/client-error.ts'
import type { Credentials, SignedIn } from '../client/tokens.ts'

/** What `vitrine login` keeps. The secret is either here or, for a local installation, in its own owner file. */
const Profile = z.object({
  base: z.url(),
  tenantId: z.string(),
  subscriptionId: z.string(),
  clientId: z.string(),
  clientSecret: z.string().exactOptional(),
  /** The owner.json of a local installation, read at each start: its secret is never copied. */
  ownerFile: z.string().exactOptional(),
  caFile: z.string().exactOptional(),
  /** Of a person; the refresh token is good once. Without one, a token that was handed over. */
  signedIn: z
    .object({
      refreshToken: z.string().exactOptional(),
      accessToken: z.string(),
      renewAtMs: z.number(),
    })
    .exactOptional(),
})
export type Profile = z.infer<typeof Profile>

const loginFirst =
  'Log in first: `vitrine login --data DIR`, or to a server elsewhere `vitrine login --device --base URL`.'

/** What the first start of an installation leaves in `owner.json`: how its first application signs in. */
const OwnerFile = z.object({ tenantId: z.string(), clientId: z.string(), clientSecret: z.string() })

/** What every start leaves beside it in `server.json`: where it listens. */
const ServerFile = z.object({
  base: z.url(),
  subscriptionId: z.string(),
  caFile: z.string().exactOptional(),
})
export type Owner = z.infer<typeof OwnerFile> & z.infer<typeof ServerFile>

/** Everything needed to talk to the server. */
export type Access = Omit<Owner, 'clientSecret'> & { readonly credentials: Credentials }

/** Reads the owner of a data folder from its `owner.json`, and where the server listens. Throws ClientError `NotLoggedIn`. */
export async function readOwner(file: string): Promise<Owner> {
  const fix = 'Start the server once (`vitrine serve --data DIR`), then repeat.'
  const owner = await readJson(file, OwnerFile, fix)
  return { ...owner, ...(await readJson(join(dirname(file), 'server.json'), ServerFile, fix)) }
}

/** The login that is kept in `folder`, with its secret. Throws ClientError `NotLoggedIn`. */
export async function readAccess(folder: string): Promise<Access> {
  const profile = await readJson(join(folder, profileName), Profile, loginFirst)
  const { ownerFile, clientSecret, signedIn, ...rest } = profile
  if (ownerFile === undefined) {
    const { tenantId, clientId } = rest
    if (signedIn) {
      const turn: Turn = (next) => turnKept(folder, next)
      return { ...rest, credentials: { tenantId, clientId, turn } }
    }
    if (clientSecret === undefined) throw notLoggedIn(`${folder} keeps no secret`, loginFirst)
    return accessOf({ ...rest, clientSecret })
  }
  // The server may have moved to another port since the login.
  return { ...accessOf(await readOwner(ownerFile)), subscriptionId: rest.subscriptionId }
}

/** A login without its secret, but with the file in which that is its `clientSecret`; a person's has none. */
export type WhereSecretIs = Omit<Owner, 'clientSecret'> & {
  readonly secretFile: string | undefined
}

/** The owner of a data folder. Throws ClientError `NotLoggedIn`. */
export async function ownerAt(data: string): Promise<WhereSecretIs> {
  const file = resolve(data, 'owner.json')
  const { clientSecret: _, ...owner } = await readOwner(file)
  return { ...owner, secretFile: file }
}

/** The kept login. Throws ClientError `NotLoggedIn`. */
export async function keptLogin(folder: string): Promise<WhereSecretIs> {
  const file = join(folder, profileName)
  const {
    ownerFile,
    clientSecret,
    signedIn: _,
    ...rest
  } = await readJson(file, Profile, loginFirst)
  if (ownerFile === undefined) {
    return { ...rest, secretFile: clientSecret === undefined ? undefined : file }
  }
  return { ...(await ownerAt(dirname(ownerFile))), subscriptionId: rest.subscriptionId }
}

/** As an application, by its secret. */
export function accessOf({ clientSecret, ...rest }: Owner): Access {
  const { tenantId, clientId } = rest
  return { ...rest, credentials: { tenantId, clientId, clientSecret } }
}

type Turn = (next: (kept: SignedIn) => Promise<SignedIn>) => Promise<SignedIn>

/** Nobody but a command that died holds the lock for so long. */
const lockStaleMs = 60_000
const lockTries = 600

/** Alone among all commands that run: a refresh token that two used at once would end the login. */
async function turnKept(folder: string, next: Parameters<Turn>[0]): Promise<SignedIn> {
  return locked(folder, async () => {
    const profile = await readJson(join(folder, profileName), Profile, 'Log in again.')
    const kept = profile.signedIn
    if (!kept) throw notLoggedIn(`${folder} keeps another login by now`, 'Repeat the command.')
    const fresh = await next(kept)
    if (fresh !== kept) await writeProfile(folder, { ...profile, signedIn: fresh })
    return fresh
  })
}

/** Another subscription for the commands that follow. Throws ClientError. */
export async function keepSubscription(folder: string, subscriptionId: string): Promise<void> {
  await locked(folder, async () => {
    const profile = await readJson(join(folder, profileName), Profile, 'Log in again.')
    await writeProfile(folder, { ...profile, subscriptionId })
  })
}

async function locked<Result>(folder: string, act: () => Promise<Result>): Promise<Result> {
  const lock = join(folder, `${profileName}.lock`)
  const owner = `${hostname()} ${process.pid} ${process.hrtime.bigint()}`
  await takeLock(lock, owner)
  try {
    return await act()
  } finally {
    // Somebody else's by now, when this took so long that it was thought dead.
    if ((await ownerOf(lock)) === owner) await rm(lock, { force: true })
  }
}

const ownerOf = (lock: string): Promise<string | undefined> =>
  readFile(lock, 'utf8').catch(() => undefined)

async function takeLock(path: string, owner: string): Promise<void> {
  for (let at = 0; at < lockTries; at++) {
    try {
      return await writeFile(path, owner, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const held = await ownerOf(path)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.NaN }))
    // The clock of the folder, by a file that is new: ours may be another one.
    if ((await isOlder(path, mtimeMs)) && (await ownerOf(path)) === held) {
      await rm(path, { force: true })
    }
    await sleep(100)
  }
  throw new ClientError({
    code: 'Locked',
    message: `Another command holds ${path}.`,
    nextStep: 'If none runs, remove that file.',
  })
}

async function isOlder(path: string, mtimeMs: number): Promise<boolean> {
  const probe = `${path}.${process.pid}`
  await writeFile(probe, '', { mode: 0o600 })
  const now = await stat(probe)
  await rm(probe, { force: true })
  return now.mtimeMs - mtimeMs > lockStaleMs
}

/** Forgets the login, when no command renews it; what it was, undefined when there is none that can be read. */
export async function removeProfile(folder: string): Promise<Profile | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return locked(folder, async () => {
    const file = join(folder, profileName)
    const held = await readJson(file, Profile, '').catch(() => undefined)
    await rm(file, { force: true })
    return held
  })
}

/** Keeps a login, readable by nobody else. */
export async function writeProfile(folder: string, profile: Profile): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, profileName)
  const fresh = `${file}.new`
  await writeFile(fresh, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 })
  await chmod(fresh, 0o600)
  await rename(fresh, file)
}

const profileName = 'profile.json'

async function readJson<Shape>(
  file: string,
  schema: z.ZodType<Shape>,
  fix: string,
): Promise<Shape> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw notLoggedIn(
      error.code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read (${error.code})`,
      fix,
    )
  })
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw notLoggedIn(`${file} is damaged`, fix, error)
  }
}

function notLoggedIn(why: string, nextStep: string, cause?: unknown): ClientError {
  return new ClientError(
    { code: 'NotLoggedIn', message: `You are not logged in: ${why}.`, nextStep },
    { cause },
  )
}
