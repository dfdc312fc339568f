import { foreignForm, readForm, showFailure, showPage } from './page-answers.ts'
import { passwordChangedPage, passwordPage } from './pages.ts'
import { freshIn, whyNot } from './signin-pages.ts'
import type { Asked, SigninPorts, SigninRoute } from './signin-ports.ts'

/** Where people change their passwords. */
export function openPasswordPages({ passwords, world }: SigninPorts): readonly SigninRoute[] {
  async function show(): Promise<Response> {
    return showPage(passwordPage({ name: '', isTemporary: false }))
  }

  async function change(asked: Asked): Promise<Response> {
    const form = await readForm(asked)
    if (!form) return showFailure(foreignForm, 403)
    const { issuer, address } = asked
    const name = form.get('name') ?? ''
    const password = form.get('password') ?? ''
    const entered = { tenantId: issuer.tenantId, name, password, address }
    const changed = await passwords.change(entered, freshIn(form))
    if (changed.is === 'in') return showPage(passwordChangedPage())
    const why = whyNot(changed, world.now().getTime())
    const status = changed.is === 'locked' ? 429 : 400
    return showPage(passwordPage({ name, isTemporary: false, why }), { status })
  }

  return [
    { path: '/password', methods: ['GET'], answer: show },
    { path: '/password', methods: ['POST'], answer: change },
  ]
}
