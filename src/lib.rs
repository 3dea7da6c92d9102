//! Sessions on Verizon ThingSpace.
