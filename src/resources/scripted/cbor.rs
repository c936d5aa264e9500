//! CBOR as the SDK writes it, as JSON.

use aws_smithy_cbor::Decoder;
use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::decode::DeserializeError;
use serde_json::{Map, Value};

/// The value that a body says; panics at one that no SDK writes.
pub fn decode(body: &[u8]) -> Value {
    read(&mut Decoder::new(body)).expect("the SDK writes well-formed CBOR")
}

fn read(from: &mut Decoder<'_>) -> Result<Value, DeserializeError> {
    Ok(match from.datatype()? {
        Type::Map | Type::MapIndef => {
            let mut fields = Map::new();
            let length = from.map()?;
            while more(from, length, fields.len())? {
                fields.insert(from.string()?, read(from)?);
            }
            fields.into()
        }
        Type::Array | Type::ArrayIndef => {
            let mut items = Vec::new();
            let length = from.list()?;
            while more(from, length, items.len())? {
                items.push(read(from)?);
            }
            items.into()
        }
        Type::Bool => from.boolean()?.into(),
        Type::String | Type::StringIndef => from.string()?.into(),
        Type::F16 | Type::F32 => from.float()?.into(),
        Type::F64 => from.double()?.into(),
        Type::Null => {
            from.null()?;
            Value::Null
        }
        _ => from.long()?.into(),
    })
}

fn more(
    from: &mut Decoder<'_>,
    length: Option<u64>,
    read: usize,
) -> Result<bool, DeserializeError> {
    match length {
        Some(length) => Ok((read as u64) < length),
        None if from.datatype()? == Type::Break => {
            from.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}
