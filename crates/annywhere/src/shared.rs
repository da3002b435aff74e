//! What threads may share. Without threads there is nothing to ask for: handles of JavaScript cannot leave theirs.

/// Values that searches on several cores may use at once.
#[cfg(feature = "parallel")]
pub trait Shared: Send + Sync {}
#[cfg(feature = "parallel")]
impl<T: Send + Sync + ?Sized> Shared for T {}

/// Values that searches on several cores may use at once; without threads, all.
#[cfg(not(feature = "parallel"))]
pub trait Shared {}
#[cfg(not(feature = "parallel"))]
impl<T: ?Sized> Shared for T {}
