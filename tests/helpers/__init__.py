"""What tests share: made-up posteriors, groups with a closed-form posterior, tables of curves."""
