using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Serialization;

/// <summary>Kubernetes' <c>Time</c>: UTC, to the second. Custom resources are stored as they are sent, so nobody else would bring it to this form.</summary>
public sealed class TimeConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
}
