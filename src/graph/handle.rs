use super::{LogicalName, Output};
use std::fmt;
use std::marker::PhantomData;

/// A typed reference to a resource of the graph; its outputs are methods beside each kind.
pub struct Handle<R> {
    name: LogicalName,
    physical: String,
    kind: PhantomData<fn() -> R>,
}

impl<R> Handle<R> {
    pub(crate) fn new(name: LogicalName, physical: String) -> Self {
        Self {
            name,
            physical,
            kind: PhantomData,
        }
    }

    /// The resource's name inside the stack.
    pub fn name(&self) -> &LogicalName {
        &self.name
    }

    /// The resource's name in the cloud, known before it exists.
    pub fn physical_name(&self) -> &str {
        &self.physical
    }

    /// A typed output; only the file of the kind knows which outputs there are, hence crate-private.
    pub(crate) fn output<T>(&self, output: &'static str) -> Output<T> {
        Output::new(self.name.clone(), output)
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self::new(self.name.clone(), self.physical.clone())
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.name)
    }
}
