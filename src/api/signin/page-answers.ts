import { pageHeaders } from './html.ts'
import { nodeMessages } from './node-bridge.ts'
import { failedPage } from './pages.ts'
import type { Asked } from './signin-ports.ts'

/** A page as it is sent. `returnsTo`: an origin that its forms may lead to in the end. */
export function showPage(
  text: string,
  { status = 200, returnsTo }: { readonly status?: number; readonly returnsTo?: string } = {},
): Response {
  return new Response(text, { status, headers: pageHeaders(returnsTo) })
}

export function showFailure(why: string, status = 400): Response {
  return showPage(failedPage(why), { status })
}

export const ended =
  'This sign-in has ended, or began in another browser. If you see this often, let the browser keep cookies of this page.'

/** What the library looks at to know which sign-in this browser is in. */
export function messagesOf({ context, issuer, mount }: Asked) {
  const path = new URL(context.req.url).pathname.slice(mount.length)
  return nodeMessages(context.req.raw, { baseUrl: issuer.baseUrl, mount, path }, new Uint8Array())
}

/** True for a form of one of our own pages: none that another site sends. */
export function isOwnForm({ context }: Asked): boolean {
  const site = context.req.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const origin = context.req.header('origin')
  return origin === undefined || URL.parse(origin)?.host === context.req.header('host')
}

/** What was typed in; undefined when the form is not one of ours. */
export async function readForm(asked: Asked): Promise<URLSearchParams | undefined> {
  const type = asked.context.req.header('content-type') ?? ''
  if (!isOwnForm(asked) || !type.startsWith('application/x-www-form-urlencoded')) return undefined
  return new URLSearchParams(await asked.context.req.text())
}

export const foreignForm = 'This form was sent from another page.'

/** How long until then, as people say it. */
export function waitUntil(untilMs: number, nowMs: number): string {
  const minutes = Math.max(1, Math.ceil((untilMs - nowMs) / 60_000))
  return `Too many tries. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`
}
