import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ClientError } from '../client/client-error.ts'

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
})
export type Profile = z.infer<typeof Profile>

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
export type Access = Owner

/** Reads the owner of a data folder from its `owner.json`, and where the server listens. Throws ClientError `NotLoggedIn`. */
export async function readOwner(file: string): Promise<Owner> {
  const fix = 'Start the server once (`vitrine serve --data DIR`), then repeat.'
  const owner = await readJson(file, OwnerFile, fix)
  return { ...owner, ...(await readJson(join(dirname(file), 'server.json'), ServerFile, fix)) }
}

/** The login that is kept in `folder`, with its secret. Throws ClientError `NotLoggedIn`. */
export async function readAccess(folder: string): Promise<Access> {
  const login = 'Log in first: `vitrine login --data DIR`.'
  const profile = await readJson(join(folder, profileName), Profile, login)
  const { ownerFile, clientSecret, ...rest } = profile
  if (ownerFile === undefined) {
    if (clientSecret === undefined) throw notLoggedIn(`${folder} keeps no secret`, login)
    return { ...rest, clientSecret }
  }
  // The server may have moved to another port since the login.
  return { ...(await readOwner(ownerFile)), subscriptionId: rest.subscriptionId }
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
