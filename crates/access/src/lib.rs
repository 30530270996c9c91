//! Credentials to [`policy::Principal`]; principal and request to [`Grant`].

pub mod grant;

pub use grant::{
    ActionType, BucketTarget, Denied, Grant, NewBucketTarget, ObjectTarget, Target, TenancyTarget, action, authorize,
};
