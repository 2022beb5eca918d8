"""How much of everything so many connections take, from what each of them was measured to cost."""
