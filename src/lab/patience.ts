/**
 * How much longer than on an idle machine everything may take: each bounded wait of the lab, and of tests, is that many
 * times as long, and looks that many times less often. `TANDEM_LAB_PATIENCE`, 1–100, default 1. In a user-mode Linux a
 * process costs three to twenty times what it costs outside.
 */
export const PATIENCE = patienceOf(process.env['TANDEM_LAB_PATIENCE']);

function patienceOf(text: string | undefined): number {
  const factor = Number(text ?? 1);
  return factor >= 1 && factor <= 100 ? factor : 1;
}
