/** All filters, by the names that Jinja2 and Ansible give them. */
import { ADDRESS_FILTERS } from './template-filters-address.ts';
import { DATA_FILTERS } from './template-filters-data.ts';
import { LIST_FILTERS } from './template-filters-list.ts';
import { TEXT_FILTERS } from './template-filters-text.ts';
import type { Operations } from './template-registry.ts';

export const FILTERS: Operations = { ...TEXT_FILTERS, ...LIST_FILTERS, ...DATA_FILTERS, ...ADDRESS_FILTERS };
