import { limits } from '../../domain/limits.ts'
import type { SigninViews } from '../../identity/provider-configuration.ts'
import { type Html, html, page } from './html.ts'

/** What went wrong, told to those who look and to those who listen. */
function trouble(why: string | undefined): Html | undefined {
  return why === undefined ? undefined : html`<p class="bad" role="alert">${why}</p>`
}

type SignIn = {
  readonly clientName: string
  readonly tenantName: string
  readonly name: string
  readonly why?: string | undefined
}

export function signInPage({ clientName, tenantName, name, why }: SignIn): string {
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
<p class="soft">to go on to ${clientName}</p>
${trouble(why)}
<form method="post">
<label for="name">User name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256" value="${name}"${focus(name === '')}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256"${focus(name !== '')}>
<button name="do" value="sign-in">Sign in</button>
<button class="plain" name="do" value="decline" formnovalidate>Cancel</button>
</form>
<p class="foot">Tenant ${tenantName}</p>`,
  )
}

function focus(isFirst: boolean): Html {
  return { html: isFirst ? ' autofocus' : '' }
}

export function consentPage(asked: { readonly clientName: string; readonly who: string }): string {
  const { clientName, who } = asked
  return page(
    'Go on',
    html`<h1>Go on to ${clientName}?</h1>
<p>You are signed in as <strong>${who}</strong>. The program will be able to do all that you may do here, in your name.</p>
<p class="soft">Go on only if you have just started to sign in with this program yourself.</p>
<form method="post">
<button name="do" value="agree">Go on</button>
<button class="plain" name="do" value="other">Use another account</button>
<button class="plain" name="do" value="decline">Cancel</button>
</form>`,
  )
}

type NewPassword = {
  readonly name: string
  /** He did not choose it himself, so he has to. */
  readonly isTemporary: boolean
  readonly why?: string | undefined
}

export function passwordPage({ name, isTemporary, why }: NewPassword): string {
  const says = isTemporary
    ? 'Your password is a temporary one. Choose one of your own to go on.'
    : 'Wherever you are signed in with the old password, you will be signed out.'
  return page(
    'Choose a password',
    html`<h1>Choose a password</h1>
<p class="soft">${says}</p>
${trouble(why)}
<form method="post">
<label for="name">User name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256" value="${name}">
<label for="password">Present password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">
${freshFields}
<button name="do" value="change">Change password</button>
</form>`,
  )
}

const freshFields = html`<label for="fresh">New password</label>
<input id="fresh" name="fresh" type="password" autocomplete="new-password" required minlength="${String(limits.passwordCharsMin)}" maxlength="256" aria-describedby="rule">
<p class="foot" id="rule">At least ${String(limits.passwordCharsMin)} characters. A few words are easier to keep than signs.</p>
<label for="again">New password, again</label>
<input id="again" name="again" type="password" autocomplete="new-password" required maxlength="256">`

export function passwordChangedPage(): string {
  return page(
    'Password changed',
    html`<h1>Your password is changed</h1>
<p>Sign in again wherever you were signed in. You can close this page.</p>`,
  )
}

type Invited = {
  readonly tenantName: string
  readonly mail: string
  readonly why?: string | undefined
}

export function redeemPage({ tenantName, mail, why }: Invited): string {
  return page(
    'Accept the invitation',
    html`<h1>Join ${tenantName}</h1>
<p>You were invited as <strong>${mail}</strong>. Choose a password for a new account, or accept with one that you have here already.</p>
${trouble(why)}
<form method="post">
<h2>With a new password</h2>
${freshFields}
<button name="do" value="password">Accept with a new password</button>
</form>
<form method="post">
<h2>With your account</h2>
<p class="soft">of another tenant at this address.</p>
<label for="name">User name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="256" value="">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256">
<button class="plain" name="do" value="home">Accept with this account</button>
</form>`,
  )
}

/** Where somebody signs in: the address of the installation, and the id of the tenant. */
export type Place = { readonly baseUrl: string; readonly tenantId: string }

export function redeemedPage(asked: {
  readonly tenantName: string
  readonly name: string
  readonly goesOn: string | undefined
  readonly place: Place
}): string {
  const { tenantName, name, goesOn, place } = asked
  return page(
    'Invitation accepted',
    html`<h1>Welcome to ${tenantName}</h1>
<p>Sign in as <strong>${name}</strong> from now on.</p>
${howToSignIn(place)}
${goesOn === undefined ? undefined : html`<p><a href="${goesOn}" rel="noreferrer">Go on</a></p>`}`,
  )
}

export function spentInvitationPage(place: Place): string {
  return page(
    'Invitation used',
    html`<h1>This invitation is good for nothing any more</h1>
<p class="bad" role="alert">It was accepted already, was withdrawn, or has run out.</p>
<p>Accepted already: sign in. Otherwise ask for another one.</p>
${howToSignIn(place)}`,
  )
}

function howToSignIn({ baseUrl, tenantId }: Place): Html {
  return html`<p class="soft">Address</p>
<pre>${baseUrl}</pre>
<p class="soft">Tenant</p>
<pre>${tenantId}</pre>
<p class="soft">On the command line of Vitrine; where the address has a certificate authority of its own, add --ca FILE</p>
<pre>vitrine login --device --base ${baseUrl} --tenant ${tenantId}</pre>
<p class="soft">With the Azure CLI, once it knows this cloud (README, “The Azure CLI”)</p>
<pre>az login --use-device-code --tenant ${tenantId} --allow-no-subscriptions</pre>`
}

/** What a browser is shown at an address of programs. */
export function frontPage(place: Place & { readonly tenantName: string }): string {
  const { baseUrl, tenantId, tenantName } = place
  return page(
    'What this is',
    html`<h1>${tenantName}</h1>
<p>This is Vitrine, an image gallery for virtual machines. Programs use it: its own command line, the Azure CLI, and Azure’s libraries.</p>
<ul>
<li><a href="${baseUrl}/${tenantId}/device">Enter the code that a program shows</a></li>
<li><a href="${baseUrl}/${tenantId}/password">Change your password</a></li>
</ul>
${howToSignIn(place)}
<p class="foot">After that: vitrine --help. The documents are with the program, docs/identity.md first.</p>`,
  )
}

export function failedPage(why: string): string {
  return page(
    'That did not work',
    html`<h1>That did not work</h1>
<p class="bad" role="alert">${why}</p>
<p class="soft">Start again in your program.</p>`,
  )
}

export const signinViews: SigninViews = {
  enterCode: ({ action, xsrf, why, prefill }) =>
    page(
      'Enter the code',
      html`<h1>Enter the code</h1>
<p class="soft">that your program or device shows.</p>
${trouble(why)}
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<label for="code">Code</label>
<input class="code" id="code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="16" value="${prefill}" autofocus>
<button>Next</button>
</form>`,
    ),
  confirmCode: ({ action, xsrf, clientName, userCode }) =>
    page(
      'Is this your code?',
      html`<h1>Sign in to ${clientName}?</h1>
<p>Your device must show this code:</p>
<strong class="shown code">${userCode}</strong>
<p class="soft">Go on only if you started this sign-in yourself. Whoever sent you a code by mail or on the telephone wants to sign in as you.</p>
<p class="soft">The code is good once: stay until the page says that you are signed in.</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="user_code" value="${userCode}">
<button name="confirm" value="yes">Yes, go on</button>
<button class="plain" name="abort" value="yes">No, stop</button>
</form>`,
    ),
  codeDone: (clientName) =>
    page(
      'Signed in',
      html`<h1>You are signed in to ${clientName}</h1>
<p>You can close this page and go on in your program.</p>`,
    ),
  failed: failedPage,
}
