import { route } from '../route.ts';
import { TokenView } from '../schemas.ts';
import { iso } from '../shapes.ts';

export const tokenRoutes = [
  route({
    method: 'GET',
    path: '/token',
    access: 'any-token',
    tag: 'Token',
    summary: 'What the token that asks may do, and until when',
    answer: TokenView,
    run: async ({ bearer: { id, name, scopes, entities, expiresAt } }) => ({
      id,
      name,
      scopes: [...scopes],
      entities: [...entities],
      expiresAt: iso(expiresAt),
    }),
  }),
];
