using System.Globalization;
using System.Text.Json;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>One answer to a list request.</summary>
internal sealed record ListPage<T>(ListPageMeta Metadata, IReadOnlyList<T> Items)
{
    /// <summary>Reads an answer, one object after the other.</summary>
    /// <exception cref="JsonException">It is no list, or an object of it cannot be read.</exception>
    public static ListPage<T> Read(ReadOnlySpan<byte> body)
    {
        var metadata = new ListPageMeta();
        var items = new List<T>();
        var reader = new Utf8JsonReader(body);
        Expect(ref reader, reader.Read() && reader.TokenType == JsonTokenType.StartObject, "an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isItems = reader.ValueTextEquals("items"u8);
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            _ = reader.Read();
            if (isMetadata)
            {
                metadata = JsonSerializer.Deserialize(ref reader, KubernetesJson.Contract<ListPageMeta>()) ?? metadata;
            }
            else if (isItems && reader.TokenType != JsonTokenType.Null)
            {
                Expect(ref reader, reader.TokenType == JsonTokenType.StartArray, "a list of items");
                items.Clear();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Item(ref reader, items.Count));
                }
            }
            else
            {
                reader.Skip();
            }
        }

        Expect(ref reader, reader.TokenType == JsonTokenType.EndObject && !reader.Read(), "the end of the list");
        return new ListPage<T>(metadata, items);
    }

    private static T Item(ref Utf8JsonReader reader, int index)
    {
        try
        {
            return JsonSerializer.Deserialize(ref reader, KubernetesJson.Contract<T>()) ?? throw new JsonException("the object is null");
        }
        catch (JsonException exception)
        {
            throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"items[{index}]: {exception.Message}"), exception);
        }
    }

    private static void Expect(ref Utf8JsonReader reader, bool holds, string what)
    {
        if (!holds)
        {
            throw new JsonException($"expected {what}, not {reader.TokenType}");
        }
    }
}

/// <summary>The head of a list.</summary>
internal sealed record ListPageMeta
{
    public string ResourceVersion { get; init; } = string.Empty;

    public string? Continue { get; init; }
}
