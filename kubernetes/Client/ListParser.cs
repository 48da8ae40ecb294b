using System.Buffers;
using System.Globalization;
using System.Text.Json;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Client;

/// <summary>Reads a list while it arrives.</summary>
internal sealed class ListParser<T>
{
    private readonly List<T> _items = [];
    private Place _place;
    private JsonReaderState _state;

    private enum Place
    {
        Start,
        Head,
        Items,
        End,
    }

    public ListPageMeta Metadata { get; private set; } = new();

    public IReadOnlyList<T> Items => _items;

    /// <summary>Reads what is complete.</summary>
    /// <param name="text">What has arrived since the place that was returned last.</param>
    /// <param name="isFinal">Whether nothing follows.</param>
    /// <returns>Up to where: what follows is to be given again.</returns>
    /// <exception cref="JsonException">It is no list, or an object of it cannot be read.</exception>
    public SequencePosition Read(ReadOnlySequence<byte> text, bool isFinal)
    {
        var reader = new Utf8JsonReader(text, isFinal, _state);
        var complete = reader;
        while (Step(ref reader))
        {
            complete = reader;
        }

        _state = complete.CurrentState;
        return complete.Position;
    }

    /// <returns>Whether there was enough to go on.</returns>
    private bool Step(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            return false;
        }

        switch (_place)
        {
            case Place.Start:
                Expect(ref reader, JsonTokenType.StartObject, "an object");
                _place = Place.Head;
                return true;
            case Place.Head when reader.TokenType == JsonTokenType.EndObject:
                _place = Place.End;
                return true;
            case Place.Head:
                return Field(ref reader);
            case Place.Items when reader.TokenType == JsonTokenType.EndArray:
                _place = Place.Head;
                return true;
            case Place.Items:
                return Whole(ref reader, out var item) && Add(ref item);
            default:
                throw new JsonException($"expected the end of the list, not {reader.TokenType}");
        }
    }

    private bool Field(ref Utf8JsonReader reader)
    {
        var isItems = reader.ValueTextEquals("items"u8);
        var isMetadata = reader.ValueTextEquals("metadata"u8);
        if (!reader.Read())
        {
            return false;
        }

        if (isItems && reader.TokenType != JsonTokenType.Null)
        {
            Expect(ref reader, JsonTokenType.StartArray, "a list of items");
            _items.Clear();
            _place = Place.Items;
            return true;
        }

        if (!Whole(ref reader, out var value))
        {
            return false;
        }

        if (isMetadata)
        {
            Metadata = JsonSerializer.Deserialize(ref value, KubernetesJson.Contract<ListPageMeta>()) ?? Metadata;
        }

        return true;
    }

    private bool Add(ref Utf8JsonReader reader)
    {
        try
        {
            _items.Add(JsonSerializer.Deserialize(ref reader, KubernetesJson.Contract<T>()) ?? throw new JsonException("the object is null"));
            return true;
        }
        catch (JsonException exception)
        {
            throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"items[{_items.Count}]: {exception.Message}"), exception);
        }
    }

    // Passes a value if all of it is there.
    private static bool Whole(ref Utf8JsonReader reader, out Utf8JsonReader value)
    {
        value = reader;
        return reader.TrySkip();
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
        {
            throw new JsonException($"expected {what}, not {reader.TokenType}");
        }
    }
}
