using OnCache.Lab.Namespaces;

namespace OnCache.EndToEnd.Traffic;

/// <summary>One flow between two pods in which each packet of the client is answered by one of the server.</summary>
internal interface IConversation : IAsyncDisposable
{
    IPod Client { get; }

    IPod Server { get; }

    /// <summary>Asks and waits for the right answer so many times. Nothing is repeated: a lost packet is a failure.</summary>
    Task ExchangeAsync(int count);
}
