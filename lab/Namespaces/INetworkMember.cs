namespace OnCache.Lab.Namespaces;

/// <summary>Something with a network namespace in which work can be run.</summary>
public interface INetworkMember
{
    /// <summary>Runs <paramref name="work"/> inside; a socket made there stays there and can be used from anywhere.</summary>
    T Run<T>(Func<T> work);
}
