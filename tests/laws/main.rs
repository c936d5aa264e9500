//! The engine's laws, on the real engine and planner and a cloud in memory.

mod account;
mod convergence;
mod crash;
mod drift;
mod endings;
mod histories;
mod late;
mod lost;
mod makespan;
mod rollback;
mod standing;
mod strays;
mod world;
