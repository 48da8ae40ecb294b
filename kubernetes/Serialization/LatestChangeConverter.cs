using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Serialization;

/// <summary>Reads the latest <c>time</c> of a list of <c>managedFields</c>, and nothing else of them.</summary>
public sealed class LatestChangeConverter : JsonConverter<DateTimeOffset?>
{
    /// <inheritdoc/>
    public override DateTimeOffset? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("managedFields must be a list");
        }

        DateTimeOffset? latest = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isTime = reader.ValueTextEquals("time"u8);
                _ = reader.Read();
                if (isTime && reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time) && !(time <= latest))
                {
                    latest = time;
                }

                reader.Skip();
            }
        }

        return latest;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset? value, JsonSerializerOptions options) =>
        throw new NotSupportedException("managedFields belong to the API server");
}
